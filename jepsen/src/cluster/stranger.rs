//! A process that has nothing to do with Baton, under a number that another one had.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use rustix::process::Pid;

/// The process. It sleeps until the suite ends.
#[derive(Debug)]
pub(crate) struct Stranger {
    pid: Pid,
}

/// As the kernel reads it, up to the field that we need.
#[repr(C)]
#[derive(Default)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
}

/// So long the number of a process that was killed may stay taken.
const FREE_WITHIN: Duration = Duration::from_secs(2);

impl Stranger {
    /// Begins one with this number, as soon as that is free.
    ///
    /// # Errors
    /// If it stays taken, or the kernel lets nobody choose.
    pub(crate) async fn with(pid: Pid) -> io::Result<Stranger> {
        let deadline = Instant::now() + FREE_WITHIN;
        loop {
            match start(pid) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists && Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                started => return started.map(|()| Stranger { pid }),
            }
        }
    }

    /// Nobody has ended it.
    pub(crate) fn is_there(&self) -> bool {
        let status = rustix::process::waitpid(Some(self.pid), rustix::process::WaitOptions::NOHANG);
        matches!(status, Ok(None))
    }
}

fn start(pid: Pid) -> io::Result<()> {
    let number = pid.as_raw_nonzero().get();
    let arguments = CloneArguments {
        exit_signal: libc::SIGCHLD as u64,
        set_tid: std::ptr::from_ref(&number) as u64,
        set_tid_size: 1,
        ..CloneArguments::default()
    };
    let words = [c"/bin/sleep".as_ptr(), c"1d".as_ptr(), std::ptr::null()];
    let nothing = [std::ptr::null::<libc::c_char>()];
    // SAFETY: without CLONE_VM it is a fork. The child makes system calls only, on memory that was there before.
    unsafe {
        let child = libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<CloneArguments>());
        if child == 0 {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            libc::setsid();
            libc::execve(words[0], words.as_ptr(), nothing.as_ptr());
            libc::_exit(127);
        }
        if child < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}
