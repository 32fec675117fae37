//! Processes, known by pid and start time: a pid alone may belong to a stranger by now.

use std::fs;
use std::io;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process of this boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// Clock ticks from the boot to its start.
    pub(crate) start_time: u64,
    pub(crate) parent: i32,
    pub(crate) session: i32,
    /// It has ended and is not yet reaped.
    pub(crate) ended: bool,
}

impl Process {
    /// What the kernel says about a pid; `None` when there is no such process.
    pub(crate) fn find(pid: i32) -> Option<Process> {
        Process::look(pid).ok().flatten()
    }

    /// As [`Process::find`], but a look that failed is not taken for a process that is gone.
    fn look(pid: i32) -> io::Result<Option<Process>> {
        match fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) => Ok(parse_stat(pid, &stat)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// This very process.
    pub(crate) fn this() -> Option<Process> {
        Process::find(i32::try_from(std::process::id()).ok()?)
    }

    /// Every process that can be seen.
    ///
    /// # Errors
    /// If even one look failed (no descriptors left, say): a list that may have holes proves nothing.
    pub(crate) fn all() -> io::Result<Vec<Process>> {
        let mut all = Vec::new();
        for entry in fs::read_dir("/proc")? {
            if let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
                all.extend(Process::look(pid)?);
            }
        }
        Ok(all)
    }

    /// Sends a signal, unless the process is gone; a stranger under the same pid is left alone.
    pub(crate) fn signal(&self, signal: Signal) {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return;
        };
        // The descriptor is opened before the start time is compared: from then on it can only
        // mean the process that was compared.
        if let Ok(process) = pidfd_open(pid, PidfdFlags::empty())
            && Process::find(self.pid).is_some_and(|now| now.start_time == self.start_time)
        {
            // It may end in between, which is what the signal is for.
            let _ = pidfd_send_signal(process, signal);
        }
    }

    /// The environment that it was started with, as `KEY=value` separated by zeros; empty when it
    /// has ended or belongs to somebody else.
    ///
    /// # Errors
    /// If the look failed for a reason of ours.
    pub(crate) fn environment(&self) -> io::Result<Vec<u8>> {
        match fs::read(format!("/proc/{}/environ", self.pid)) {
            Err(error) if is_gone(&error) || error.kind() == io::ErrorKind::PermissionDenied => {
                Ok(Vec::new())
            }
            other => other,
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
}

/// The value of a variable in an environment as the kernel shows it.
pub(crate) fn variable<'e>(environment: &'e [u8], name: &str) -> Option<&'e [u8]> {
    let mut pairs = environment.split(|byte| *byte == 0);
    pairs.find_map(|pair| {
        let rest = pair.strip_prefix(name.as_bytes())?;
        rest.strip_prefix(b"=")
    })
}

fn parse_stat(pid: i32, stat: &str) -> Option<Process> {
    // The name stands in parentheses and may hold spaces and parentheses of its own.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
    Some(Process {
        pid,
        ended: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_confuses_nothing() {
        let rest = "S 7 42 43 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 991 0";
        let process = parse_stat(42, &format!("42 (a ) b) {rest}")).unwrap();
        assert_eq!((process.parent, process.session, process.start_time), (7, 43, 991));
        assert!(!process.ended);
    }

    #[test]
    fn this_process_finds_itself() {
        let this = Process::this().unwrap();
        let all = Process::all().unwrap();
        assert!(all.iter().any(|process| process.pid == this.pid));
        assert!(variable(&this.environment().unwrap(), "PATH").is_some());
        assert_eq!(variable(b"ABC=1\0AB=2\0", "AB"), Some(&b"2"[..]));
    }

    /// A10: same pid, another start: a stranger.
    #[test]
    fn a_stranger_under_the_same_pid_is_not_signalled() {
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let real = Process::find(child.id().try_into().unwrap()).unwrap();
        let earlier = Process { start_time: real.start_time - 1, ..real };
        earlier.signal(Signal::KILL);
        drop(child.stdin.take());
        let status = child.wait().unwrap();
        assert!(status.success(), "it ended by itself: {status}");
    }
}
