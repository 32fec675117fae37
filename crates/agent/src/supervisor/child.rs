//! Starting the step's own process.
//!
//! It is born inside its cgroup (`clone3`): moving a process there afterwards costs the kernel some
//! 15 ms, at every step. This process has one thread, so the child may allocate.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, getppid, kill_process, pidfd_open, set_parent_process_death_signal,
};

use super::ended::Ended;
use crate::cgroup::Cgroup;

/// As in the kernel's `sched.h`; the constant of the `libc` crate does not fit its own type.
const CLONE_INTO_CGROUP: u64 = 1 << 33;

/// The process whose exit decides the step.
pub(super) struct Child {
    pub(super) pid: Pid,
    /// Readable once it has ended.
    pub(super) pidfd: OwnedFd,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
}

/// Executes `argv` in a process group of its own that dies with this process.
pub(super) fn spawn(
    argv: &[String],
    environment: &[(String, OsString)],
    cgroup: Option<&Cgroup>,
) -> Result<Child, Ended> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(Ended::NotExecuted { code: 126, reason: "the command is empty".into() });
    };
    let mut command = Command::new(program);
    command.args(arguments).process_group(0);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    let supervisor = getpid();
    // SAFETY: system calls that allocate nothing.
    unsafe { command.pre_exec(move || before_exec(supervisor)) };
    start(&mut command, cgroup).map_err(|error| not_executed(program, &error))?
}

/// The child, or why it did not become the program.
fn start(command: &mut Command, cgroup: Option<&Cgroup>) -> io::Result<Result<Child, Ended>> {
    let pipe = || pipe_with(PipeFlags::CLOEXEC);
    let (stdout, out) = pipe()?;
    let (stderr, err) = pipe()?;
    let (failure, tell) = pipe()?;
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    let Some(pid) = fork_into(cgroup)? else { become_program(command, tell) };
    // The ends that the child writes to must not be held here, or they would never close.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    drop(tell);
    let mut code = [0; 4];
    if File::from(failure).read_exact(&mut code).is_ok() {
        return Err(io::Error::from_raw_os_error(i32::from_le_bytes(code)));
    }
    Ok(watch(pid, stdout, stderr).map_err(|_| {
        // It runs and cannot be watched, so nobody can say how far it comes.
        let _ = kill_process(pid, Signal::KILL);
        Ended::Signalled(libc::SIGKILL)
    }))
}

/// `None` in the child. Where it cannot be born inside the cgroup, ancestry finds the tree as well.
fn fork_into(cgroup: Option<&Cgroup>) -> io::Result<Option<Pid>> {
    if let Some(folder) = cgroup.and_then(|cgroup| File::open(cgroup.path()).ok()) {
        // SAFETY: all zeros is a valid value of this plain C structure.
        let mut how: libc::clone_args = unsafe { std::mem::zeroed() };
        how.flags = CLONE_INTO_CGROUP;
        how.exit_signal = libc::SIGCHLD as u64;
        how.cgroup = folder.as_raw_fd() as u64;
        // SAFETY: as fork: memory is copied, and no other thread exists that could hold a lock.
        let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw const how, size_of_val(&how)) };
        if pid >= 0 {
            return Ok(i32::try_from(pid).ok().and_then(Pid::from_raw));
        }
    }
    // SAFETY: no other thread exists that could hold a lock.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        pid => Ok(Pid::from_raw(pid)),
    }
}

/// In the child: the program, or the reason why not and the end.
fn become_program(command: &mut Command, tell: OwnedFd) -> ! {
    let code = command.exec().raw_os_error().unwrap_or(libc::EINVAL);
    let _ = File::from(tell).write_all(&code.to_le_bytes());
    // SAFETY: ends the child without running what belongs to its parent.
    unsafe { libc::_exit(127) }
}

fn before_exec(supervisor: Pid) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid() != Some(supervisor) {
        // The supervisor died before the line above could tell us.
        return Err(rustix::io::Errno::PIPE.into());
    }
    // SAFETY: the set is initialised before it is used. The supervisor blocks SIGTERM for itself;
    // its step must hear it.
    unsafe {
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
    }
    Ok(())
}

fn watch(pid: Pid, stdout: OwnedFd, stderr: OwnedFd) -> io::Result<Child> {
    for pipe in [&stdout, &stderr] {
        rustix::io::ioctl_fionbio(pipe, true)?;
    }
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    Ok(Child { pid, pidfd, stdout, stderr })
}

/// As a shell would say it: 127 not found, 126 found and not executable.
fn not_executed(program: &str, error: &io::Error) -> Ended {
    let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    let reason = format!("{program} cannot be executed: {error}");
    Ended::NotExecuted { code, reason }
}
