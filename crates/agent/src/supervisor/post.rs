//! What a supervisor has for all of its attempts, one after the other: its name, its cgroup, and whom it listens to.

use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::RecvFlags;
use rustix::process::{getpid, set_child_subreaper, setsid};

use super::signals::listen_for_termination;
use super::vfork::Stack;
use super::{Watch, perform, report};
use crate::attempt::Report;
use crate::cgroup::Cgroup;
use crate::folder::{Folder, Identity};
use crate::host;
use crate::line::{self, Word};
use crate::process::Process;
use crate::sweep::cgroup_name;

/// How often an exit record is tried again, and the pause before: a disk that is full for a minute must not turn a known
/// outcome into an unknown one.
const TRIES: u32 = 120;
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// A process that keeps attempts.
pub(crate) struct Post {
    pub(super) identity: Identity,
    pub(super) cgroup: Option<Cgroup>,
    /// Where its steps are born.
    pub(super) cradle: Option<File>,
    /// On which they are, until they are programs.
    pub(super) stack: Stack,
    /// SIGTERM, as something to poll.
    pub(super) signals: OwnedFd,
    /// To the agent, while there is one.
    pub(super) line: Option<OwnedFd>,
    /// Whose end the agent was told, and perhaps has not in its journal yet.
    unsynced: Option<Folder>,
}

impl Post {
    /// Makes this process one that keeps attempts, this one first.
    ///
    /// # Errors
    /// Why it cannot be one.
    pub(crate) fn take(first: &Folder, line: Option<OwnedFd>) -> io::Result<Post> {
        let this = Process::this().ok_or_else(|| io::Error::other("/proc is not mounted"))?;
        // Asked of /proc: a session that was begun outside of this pid namespace has no number here.
        if this.session != this.pid {
            setsid()?;
        }
        set_child_subreaper(Some(getpid()))?;
        let boot = host::boot_id()?;
        let cgroup = Cgroup::create(&cgroup_name(first)).ok();
        let cradle = cgroup.as_ref().and_then(Cgroup::open);
        let path = cgroup.as_ref().map(|cgroup| cgroup.path().to_owned());
        let identity =
            Identity { boot, pid: this.pid, start_time: this.start_time, cgroup: path, token: None };
        let signals = listen_for_termination()?;
        Ok(Post { identity, cgroup, cradle, stack: Stack::new(), signals, line, unsynced: None })
    }

    /// Keeps the attempt until its end is written down, and a daemon's output for as long as there is some. Says whether
    /// this process can keep another one.
    ///
    /// # Errors
    /// Why there is no exit record.
    pub(crate) fn keep(&mut self, folder: &Folder, mut lock: File) -> io::Result<bool> {
        lock.rewind()?;
        let assignment = Folder::assignment_in(&mut lock)?;
        let token = assignment.key.token;
        self.identity.token = Some(token);
        let mut watch = Watch::new(self, folder.clone(), assignment);
        let ended = perform(&mut watch);
        let report = report(&mut watch, &ended);
        let stays = watch.left_nothing();
        // Without a mark nothing acted, and whoever finds the folder knows it.
        let tries = if watch.has_marked() { TRIES } else { 0 };
        write_exit(folder, &report, !stays, tries)?;
        if stays {
            drop(lock);
            return self.tell(folder, token);
        }
        watch.leave_tree();
        // The exit record is there: whoever waits for the end may have it.
        drop(lock);
        watch.tell_that_it_leaves();
        watch.linger();
        Ok(false)
    }

    /// Tells the agent, whose journal is where the end is durable next. Where it cannot be told, the end is made durable
    /// here, and this process has kept its last attempt: an agent that is there hears of that.
    fn tell(&mut self, folder: &Folder, token: u64) -> io::Result<bool> {
        let word = Word::Ended { token, stays: true };
        match self.line.as_ref().map(|line| line::say(line, &word)) {
            Some(Ok(())) => {
                self.unsynced = Some(folder.clone());
                Ok(true)
            }
            Some(Err(_)) | None => folder.sync_exit().map(|()| false),
        }
    }

    /// The next attempt and its lock; `None` once there will be none.
    ///
    /// # Errors
    /// If what ended last could not be made durable by anybody.
    pub(crate) fn next(&mut self) -> io::Result<Option<(u64, File)>> {
        let next = self.wait_for_next();
        // Who asks for another has the last one's end in its journal.
        match self.unsynced.take().filter(|_| next.is_none()) {
            Some(folder) => folder.sync_exit().map(|()| None),
            None => Ok(next),
        }
    }

    fn wait_for_next(&self) -> Option<(u64, File)> {
        let line = self.line.as_ref()?;
        loop {
            let mut fds =
                [line.as_fd(), self.signals.as_fd()].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
            let _ = poll(&mut fds, None);
            if !fds[1].revents().is_empty() {
                // Told to end, by whoever ends everything.
                return None;
            }
            match line::hear(line, RecvFlags::DONTWAIT) {
                Ok(Some(Word::Keep { token, lock })) => return Some((token, lock)),
                // A word to end that came too late, or nothing yet.
                Ok(Some(Word::End { .. })) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => return None,
            }
        }
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        if let Some(cgroup) = &self.cgroup {
            cgroup.remove();
        }
    }
}

/// Writes the exit record, so often over again if need be. Each try but the first writes and syncs a new file, so a failed
/// sync is never taken back.
fn write_exit(folder: &Folder, report: &Report, durably: bool, mut tries: u32) -> io::Result<()> {
    let written = folder.write_exit(report);
    if written.and_then(|()| if durably { folder.sync_exit() } else { Ok(()) }).is_ok() {
        return Ok(());
    }
    loop {
        match folder.replace_exit(report) {
            Err(_) if tries > 0 => thread::sleep(TRY_AGAIN),
            result => return result,
        }
        tries -= 1;
    }
}
