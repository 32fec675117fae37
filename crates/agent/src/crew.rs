//! The supervisors that an agent has: those at work, those whose attempt has ended, and those that wait for another. One
//! that waits costs nothing, and whoever starts an attempt with it nearly as little.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::net::RecvFlags;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;
use tracing::Span;

use crate::cradle::Cradle;
use crate::line::{self, Word};

/// So many may wait; more of them end.
const IDLE: usize = 32;

/// What a supervisor's end of the line says of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// Its end is written down.
    Ended(u64),
    /// Its supervisor is gone.
    Gone(u64),
}

/// All of them. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Crew {
    cradle: Cradle,
    runtime: Handle,
    members: Arc<Mutex<Members>>,
}

type Line = Arc<AsyncFd<OwnedFd>>;

#[derive(Debug, Default)]
struct Members {
    /// By the attempt that each keeps, with the span in which it is carried out.
    at_work: BTreeMap<u64, (Line, Span)>,
    /// By the attempt that each has kept, whose end is not in the journal yet.
    done: BTreeMap<u64, Line>,
    idle: Vec<Line>,
    /// Attempts of which nothing is left but what is on disk.
    clean: BTreeSet<u64>,
}

impl Members {
    /// Whoever's line this is, is none of them any more. The attempt that it kept, if it has not ended.
    fn dismiss(&mut self, line: &Line) -> Option<u64> {
        self.done.retain(|_, other| !Arc::ptr_eq(other, line));
        self.idle.retain(|other| !Arc::ptr_eq(other, line));
        let at_work = self.at_work.iter().find(|(_, (other, _))| Arc::ptr_eq(other, line));
        let token = at_work.map(|(token, _)| *token);
        token.inspect(|token| drop(self.at_work.remove(token)))
    }
}

impl Crew {
    /// Nobody yet. On this thread's runtime their lines are listened to.
    pub(crate) fn new(cradle: Cradle) -> Crew {
        Crew { cradle, runtime: Handle::current(), members: Arc::default() }
    }

    /// Has the attempt kept by one who waits, or else by a new one. `hear` is told what becomes of this and of all later
    /// attempts that a new one keeps.
    ///
    /// # Errors
    /// If nobody keeps it.
    pub(crate) fn keep(
        &self,
        token: u64,
        lock: File,
        stage: &Span,
        hear: impl Fn(Said) + Send + 'static,
    ) -> io::Result<()> {
        let word = Word::Keep { token, lock };
        while let Some(line) = self.take_idle(token, stage) {
            match line::say(line.get_ref(), &word) {
                Ok(()) => return Ok(()),
                Err(error) => tracing::debug!(%error, "a supervisor that waited is gone"),
            }
            self.members().dismiss(&line);
        }
        let Word::Keep { lock, .. } = word else { unreachable!("it is the word above") };
        self.bear(token, lock, stage, hear)
    }

    fn take_idle(&self, token: u64, stage: &Span) -> Option<Line> {
        let mut members = self.members();
        let line = members.idle.pop()?;
        members.at_work.insert(token, (Arc::clone(&line), stage.clone()));
        Some(line)
    }

    fn bear(
        &self,
        token: u64,
        lock: File,
        stage: &Span,
        hear: impl Fn(Said) + Send + 'static,
    ) -> io::Result<()> {
        let (ours, theirs) = line::pair()?;
        let _within = self.runtime.enter();
        // SAFETY: the descriptor is its own, and closed with it.
        let line = Arc::new(unsafe { AsyncFd::register_with_interest(ours, Interest::READABLE) }?);
        self.members().at_work.insert(token, (Arc::clone(&line), stage.clone()));
        if let Err(error) = self.cradle.bear(token, lock, theirs) {
            self.members().dismiss(&line);
            return Err(error);
        }
        self.runtime.spawn(self.clone().listen(line, hear));
        Ok(())
    }

    /// Until the line is cut.
    async fn listen(self, line: Line, hear: impl Fn(Said) + Send) {
        // What is not understood ends it from this side.
        while let Ok(Some(Word::Ended { token, stays })) = next(&line).await {
            let mut members = self.members();
            if let Some((line, _)) = members.at_work.remove(&token).filter(|_| stays) {
                members.done.insert(token, line);
                members.clean.insert(token);
            }
            drop(members);
            hear(Said::Ended(token));
        }
        let left = self.members().dismiss(&line);
        if let Some(token) = left {
            hear(Said::Gone(token));
        }
    }

    /// Tells whoever keeps the attempt to end it; says whether there is somebody.
    pub(crate) fn end(&self, token: u64) -> bool {
        let members = self.members();
        let at_work = members.at_work.get(&token);
        at_work.is_some_and(|(line, _)| line::say(line.get_ref(), &Word::End { token }).is_ok())
    }

    /// The attempt's end is in the journal, or needs to be nowhere: whoever kept it may keep another.
    pub(crate) fn settled(&self, token: u64) {
        let mut members = self.members();
        let Some(free) = members.done.remove(&token) else { return };
        if members.idle.len() < IDLE {
            members.idle.push(free);
        } else {
            // Which cuts the line, on both sides.
            let _ = rustix::net::shutdown(free.get_ref(), rustix::net::Shutdown::Both);
        }
    }

    /// The attempt may be forgotten; says whether nothing of it is left but what is on disk.
    pub(crate) fn forget(&self, token: u64) -> bool {
        self.members().clean.remove(&token)
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn next(line: &AsyncFd<OwnedFd>) -> io::Result<Option<Word>> {
    line.async_io(Interest::READABLE, |line| line::hear(line, RecvFlags::DONTWAIT)).await
}
