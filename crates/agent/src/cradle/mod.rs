//! The cradle: a small process with one thread, from which an agent's supervisors are forked. Starting the program anew
//! would cost more than all the rest of an attempt.
//!
//! It decides nothing and remembers nothing. It ends when its agent does, and whoever was born in it lives on until its
//! attempt is over. The attempt's lock travels with the word to keep it: as long as that is under way the attempt counts
//! as one that may still begin, and when whoever should hear it dies with it, as one that never will.

mod birth;
mod names;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

pub use birth::cradle;
use names::UNBORN;

use crate::line::{self, Word};

/// The agent's hand on its cradle. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Cradle {
    argv: Arc<[OsString]>,
    home: Arc<Path>,
    name: Arc<str>,
    running: Arc<Mutex<Option<Running>>>,
}

#[derive(Debug)]
struct Running {
    requests: OwnedFd,
    process: Child,
}

impl Cradle {
    /// Starts it with this beginning of an argv.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub(crate) fn start(argv: &[OsString], home: &Path, name: &str) -> io::Result<Cradle> {
        let cradle =
            Cradle { argv: argv.into(), home: home.into(), name: name.into(), running: Arc::default() };
        *cradle.running() = Some(cradle.run()?);
        Ok(cradle)
    }

    /// Asks for a supervisor of this attempt, to which the lock goes over, and its end of the line. A cradle that has died
    /// is started again.
    ///
    /// # Errors
    /// If there is none: nothing has left this process.
    pub(crate) fn bear(&self, token: u64, lock: File, line: OwnedFd) -> io::Result<()> {
        let word = Word::Bear { token, lock, line };
        let mut running = self.running();
        if let Some(cradle) = &mut *running {
            match line::say(&cradle.requests, &word) {
                Ok(()) => return Ok(()),
                Err(error) => tracing::warn!(%error, "the cradle is gone; starting another"),
            }
            // Reaped, whatever it ended with.
            let _ = cradle.process.kill().and_then(|()| cradle.process.wait());
        }
        *running = None;
        line::say(&running.insert(self.run()?).requests, &word)
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It leaves the agent's session, as every supervisor does, before anything that is meant for the agent, like
    /// Ctrl-C, can reach it.
    fn run(&self) -> io::Result<Running> {
        let nobody = || io::Error::other("the agent was not told how to start one");
        let (program, arguments) = self.argv.split_first().ok_or_else(nobody)?;
        let (requests, theirs) = line::pair()?;
        let mut command = Command::new(program);
        command.args(arguments).arg(self.home.join("attempts").join(UNBORN));
        command.envs([("BATON_AGENT", OsStr::new(&*self.name)), ("BATON_AGENT_HOME", self.home.as_os_str())]);
        command.env("BATON_TOKEN", UNBORN);
        command.stdin(theirs).stdout(Stdio::null()).stderr(Stdio::null());
        // SAFETY: one async-signal-safe system call.
        unsafe {
            command.pre_exec(|| {
                rustix::process::setsid()?;
                Ok(())
            });
        }
        Ok(Running { requests, process: command.spawn()? })
    }
}
