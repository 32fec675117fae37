//! The process itself.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::panic;
use std::path::Path;
use std::process::ExitCode;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::names::Names;
use crate::folder::Folder;
use crate::{cgroup, host, supervisor};

/// Bears supervisors until the agent is gone: `baton cradle DIR`, where the last name of DIR keeps room for a token. It
/// asks for requests on its standard input, and returns once in every process that it bears.
pub fn cradle(place: &Path) -> ExitCode {
    let Some(attempts) = place.parent() else {
        return ExitCode::FAILURE;
    };
    match bear(attempts) {
        Ok(Some(attempt)) => supervise(attempt),
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("baton cradle {}: {error}", place.display());
            ExitCode::FAILURE
        }
    }
}

/// Nobody reads this process's own standard error.
fn supervise(attempt: Folder) -> ExitCode {
    let dying = attempt.clone();
    panic::set_hook(Box::new(move |panic| dying.say(&panic.to_string())));
    match supervisor::keep(&attempt) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            attempt.say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// The attempt in its supervisor, `None` in the cradle once the agent is gone.
fn bear(attempts: &Path) -> io::Result<Option<Folder>> {
    let requests = take_stdin()?;
    let names = Names::find()?;
    // What all of them would find out anew.
    let _ = (host::boot_id(), cgroup::mount_point());
    reap_by_itself(true)?;
    while let Some((token, lock)) = receive(&requests)? {
        let attempt = Folder::at(&attempts.join(token.to_string()));
        // SAFETY: this process has one thread, so nobody else holds a lock.
        match unsafe { libc::fork() } {
            0 => {
                reap_by_itself(false)?;
                names.become_supervisor(token, attempt.path());
                rustix::stdio::dup2_stdin(&lock)?;
                return Ok(Some(attempt));
            }
            -1 => {
                let error = io::Error::last_os_error();
                attempt.say(&format!("no process can be forked: {error}"));
            }
            _ => {}
        }
        // The lock closes here, and is the supervisor's alone.
    }
    Ok(None)
}

/// The token and the lock of the next attempt; `None` when nobody is left who could ask.
fn receive(requests: &OwnedFd) -> io::Result<Option<(u64, File)>> {
    loop {
        let mut request = [0; 8];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut with = RecvAncillaryBuffer::new(&mut space);
        let mut slices = [IoSliceMut::new(&mut request)];
        let length = match recvmsg(requests, &mut slices, &mut with, RecvFlags::CMSG_CLOEXEC) {
            // Whoever cared has died with answers unread, which is an end as well.
            Err(rustix::io::Errno::CONNRESET) => return Ok(None),
            Err(rustix::io::Errno::INTR) => continue,
            received => received?.bytes,
        };
        let rights = |message| match message {
            RecvAncillaryMessage::ScmRights(rights) => Some(rights),
            _ => None,
        };
        let lock = with.drain().filter_map(rights).flatten().next();
        match (length, lock) {
            (0, _) => return Ok(None),
            (8, Some(lock)) => return Ok(Some((u64::from_le_bytes(request), File::from(lock)))),
            _ => return Err(io::Error::other("a request cannot be read")),
        }
    }
}

/// The socket, which no supervisor must hold: it would keep the agent from being missed.
fn take_stdin() -> io::Result<OwnedFd> {
    let requests = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(requests)
}

/// Nobody here asks how a supervisor ended; a supervisor asks for its own children.
fn reap_by_itself(itself: bool) -> io::Result<()> {
    let how = if itself { libc::SIG_IGN } else { libc::SIG_DFL };
    // SAFETY: one system call, with a constant of its own.
    match unsafe { libc::signal(libc::SIGCHLD, how) } {
        libc::SIG_ERR => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
