//! Starting the step's own process.
//!
//! It is born inside its cgroup: moving a process there afterwards costs the kernel some 15 ms, at every step. And it is
//! born into the memory of this process, which waits until it has become the program: copying that memory would cost
//! more than all the rest.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Pid;

use super::become_program::Program;
use super::ended::Ended;
use super::vfork::{self, Stack};

/// The process whose exit decides the step.
pub(super) struct Child {
    pub(super) pid: Pid,
    /// Readable once it has ended.
    pub(super) pidfd: OwnedFd,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
}

/// Executes `argv` in a process group of its own that dies with this process; `first` of its attempt.
pub(super) fn spawn(
    argv: &[String],
    environment: &[(String, OsString)],
    stack: &mut Stack,
    cgroup: Option<BorrowedFd<'_>>,
    first: bool,
) -> Result<Child, Ended> {
    let Some(program) = argv.first() else {
        return Err(Ended::NotExecuted { code: 126, reason: "the command is empty".into() });
    };
    start(argv, environment, stack, cgroup).map_err(|error| match first && is_want(&error) {
        true => Ended::Abandoned { reason: format!("there was no room for its process: {error}") },
        false => not_executed(program, &error),
    })
}

/// The child, or why it did not become the program. Nothing that could fail stands behind its birth: it is watched from
/// then on.
fn start(
    argv: &[String],
    environment: &[(String, OsString)],
    stack: &mut Stack,
    cgroup: Option<BorrowedFd<'_>>,
) -> io::Result<Child> {
    let pipe = || {
        let (end, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&end, true)?;
        Ok::<_, io::Error>((end, theirs))
    };
    // Both ends that the child writes to are closed here when this returns, or the streams would never end.
    let (stdout, out) = pipe()?;
    let (stderr, err) = pipe()?;
    let program = Program::new(argv, environment, out.as_raw_fd(), err.as_raw_fd())?;
    let (pid, pidfd) = vfork::start(&program, stack, cgroup)?;
    match program.failure() {
        // It has ended by itself, and whoever reaps the others reaps it.
        Some(error) => Err(error),
        None => Ok(Child { pid, pidfd, stdout, stderr }),
    }
}

/// For want of processes, memory or descriptors: it says nothing about the program, and may be over soon.
fn is_want(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE))
}

/// As a shell would say it: 127 not found, 126 found and not executable.
fn not_executed(program: &str, error: &io::Error) -> Ended {
    let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    let reason = format!("{program} cannot be executed: {error}");
    Ended::NotExecuted { code, reason }
}
