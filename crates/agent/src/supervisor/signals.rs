//! What the kernel tells a supervisor: children that ended, and the word to end.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use rustix::process::{Pid, WaitOptions, WaitStatus, wait};

use super::ended::Ended;

/// Reaps all that have ended, orphans included; the status of `main` if it is among them.
pub(super) fn reap(main: Option<Pid>) -> Option<WaitStatus> {
    let mut found = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if Some(pid) == main {
            found = Some(status);
        }
    }
    found
}

/// Reaps all that have ended, and says whether nobody is left: of a subreaper, no descendant.
pub(super) fn is_childless() -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            ended => return matches!(ended, Err(rustix::io::Errno::CHILD)),
        }
    }
}

pub(super) fn ended(status: WaitStatus) -> Ended {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Ended::Exited(code),
        (_, Some(signal)) => Ended::Signalled(signal),
        _ => Ended::Signalled(libc::SIGKILL),
    }
}

/// Turns SIGTERM from an end into something to read.
pub(super) fn listen_for_termination() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised before it is used, and the descriptor is new and ours.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGTERM);
        if libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        let fd = libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(fd))
    }
}
