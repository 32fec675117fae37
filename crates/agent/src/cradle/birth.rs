//! The process itself, and what becomes of those who are born in it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::panic;
use std::path::Path;
use std::process::ExitCode;

use rustix::net::RecvFlags;

use super::names::{Names, WAITING};
use crate::folder::Folder;
use crate::line::{self, Word};
use crate::supervisor::Post;
use crate::{cgroup, host};

/// One who has just been born, and what it is to do first.
struct Newborn {
    names: Names,
    token: u64,
    lock: File,
    line: OwnedFd,
}

/// Bears supervisors until the agent is gone: `baton cradle DIR`, where the last name of DIR keeps room for a token. It
/// asks for requests on its standard input, and returns once in every process that it bears.
pub fn cradle(place: &Path) -> ExitCode {
    let Some(attempts) = place.parent() else {
        return ExitCode::FAILURE;
    };
    match bear(attempts) {
        Ok(Some(newborn)) => supervise(attempts, newborn),
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("baton cradle {}: {error}", place.display());
            ExitCode::FAILURE
        }
    }
}

fn supervise(attempts: &Path, newborn: Newborn) -> ExitCode {
    let mut attempt = Folder::at(&attempts.join(newborn.token.to_string()));
    match keep_all(attempts, newborn, &mut attempt) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            attempt.say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Keeps one attempt after the other, for as long as there are some.
fn keep_all(attempts: &Path, newborn: Newborn, attempt: &mut Folder) -> io::Result<()> {
    let Newborn { names, token, lock, line } = newborn;
    names.become_supervisor(&token.to_string(), attempt.path());
    speak_in(attempt);
    let mut post = Post::take(attempt, Some(line))?;
    let mut stays = post.keep(attempt, lock)?;
    while stays {
        names.become_supervisor(WAITING, &attempts.join(WAITING));
        let Some((token, lock)) = post.next()? else { break };
        *attempt = Folder::at(&attempts.join(token.to_string()));
        names.become_supervisor(&token.to_string(), attempt.path());
        speak_in(attempt);
        stays = post.keep(attempt, lock)?;
    }
    Ok(())
}

/// Nobody reads this process's own standard error.
fn speak_in(attempt: &Folder) {
    let dying = attempt.clone();
    panic::set_hook(Box::new(move |panic| dying.say(&panic.to_string())));
}

/// The newborn itself, `None` in the cradle once the agent is gone.
fn bear(attempts: &Path) -> io::Result<Option<Newborn>> {
    let requests = take_stdin()?;
    let names = Names::find()?;
    // What all of them would find out anew.
    let _ = (host::boot_id(), cgroup::mount_point());
    reap_by_itself(true)?;
    while let Some(request) = line::hear(&requests, RecvFlags::empty())? {
        let Word::Bear { token, lock, line } = request else {
            return Err(io::Error::other("a request is none for a supervisor"));
        };
        // SAFETY: this process has one thread, so nobody else holds a lock.
        match unsafe { libc::fork() } {
            0 => {
                reap_by_itself(false)?;
                return Ok(Some(Newborn { names, token, lock, line }));
            }
            -1 => {
                let error = io::Error::last_os_error();
                let attempt = Folder::at(&attempts.join(token.to_string()));
                attempt.say(&format!("no process can be forked: {error}"));
            }
            _ => {}
        }
        // The lock and the line close here, and are the supervisor's alone.
    }
    Ok(None)
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
