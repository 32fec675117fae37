//! One process of a local cluster: started, watched, ended.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::bound::die_with_us;
use super::layout::Member;

/// A process that was started, and may have ended.
#[derive(Debug)]
pub(crate) struct Process {
    member: Member,
    child: Child,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts it, with its log appended to its file. Call it from the main thread alone: the
    /// process dies with the thread that started it, so that nothing is left when we are killed.
    pub(crate) fn start(member: Member) -> io::Result<Self> {
        for folder in [Some(member.data_dir.as_path()), member.log.parent()].into_iter().flatten() {
            fs::create_dir_all(folder)?;
        }
        let log = File::options().create(true).append(true).open(&member.log)?;
        let mut command = Command::new(&member.command[0]);
        command
            .args(&member.command[1..])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C at the terminal is for us: we end everyone in the right order.
            .process_group(0);
        die_with_us(&mut command);
        Ok(Self { child: command.spawn()?, member, ended: None })
    }

    pub(crate) fn member(&self) -> &Member {
        &self.member
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Sends a signal, unless it has ended: its number may be someone else's by now.
    pub(crate) fn signal(&mut self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let (None, Some(pid)) = (self.ended(), pid) {
            // It may end in this very moment.
            let _ = kill_process(pid, signal);
        }
    }

    /// Starts the same again after it has ended.
    pub(crate) fn restart(&mut self) -> io::Result<()> {
        *self = Self::start(self.member.clone())?;
        Ok(())
    }
}

/// `ended with exit code 1`, `was ended by signal 9`.
pub(crate) fn end_in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
