//! The one thread that makes things durable: it takes everything that waits, flushes once, writes
//! one hard state, and answers in order.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

use super::watchdog::Watchdog;
use super::{Done, Mark, OnFailure, Reached, closed};
use crate::db::Db;
use crate::hard_state::{self, HardState, HardStateFile};

/// Something to be made durable.
pub(super) enum Ask {
    Mark(Mark, Done),
    Cluster(String, Done),
}

/// The thread and its queue.
pub(super) struct Flusher {
    // `None` only while it is dropped.
    queue: Option<Sender<Ask>>,
    thread: Option<JoinHandle<()>>,
}

impl Flusher {
    pub(super) fn start(
        db: Db,
        file: HardStateFile,
        state: HardState,
        reached: Arc<Reached>,
        on_failure: OnFailure,
    ) -> io::Result<Self> {
        let (queue, asks) = channel();
        let watchdog = Watchdog::start(on_failure.clone())?;
        let mut rounds = Rounds { db, file, state, reached, watchdog };
        let thread =
            Builder::new().name("baton-flush".into()).spawn(move || rounds.run(&asks, &on_failure))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    pub(super) fn ask(&self, ask: Ask) -> io::Result<()> {
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        queue.send(ask).map_err(|_| closed())
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the panic itself.
            let _ = thread.join();
        }
    }
}

struct Rounds {
    db: Db,
    file: HardStateFile,
    state: HardState,
    reached: Arc<Reached>,
    watchdog: Watchdog,
}

impl Rounds {
    fn run(&mut self, asks: &Receiver<Ask>, on_failure: &OnFailure) {
        let mut failure: Option<(io::ErrorKind, String)> = None;
        while let Ok(first) = asks.recv() {
            let round = std::iter::once(first).chain(asks.try_iter());
            let (next, waiting) = gather(&self.state, round);
            if failure.is_none()
                && let Err(error) = self.make_durable(next)
            {
                on_failure(&error);
                failure = Some((error.kind(), error.to_string()));
            }
            // After a failure nobody knows what the disk holds: everything later fails too.
            for done in waiting {
                done(match &failure {
                    None => Ok(()),
                    Some((kind, text)) => Err(io::Error::new(*kind, text.clone())),
                });
            }
        }
    }

    /// The database first: the hard state must never speak of more than it holds.
    fn make_durable(&mut self, next: HardState) -> io::Result<()> {
        let _watched = self.watchdog.begin();
        self.db.flush()?;
        self.file.write(&next).map_err(|error| match error {
            hard_state::Error::Io(error) => error,
            other => io::Error::other(other.to_string()),
        })?;
        self.reached.set(next.vote, next.last);
        self.state = next;
        Ok(())
    }
}

/// The hard state after all of a round, and who waits for it.
fn gather(state: &HardState, round: impl Iterator<Item = Ask>) -> (HardState, Vec<Done>) {
    let mut next = state.clone();
    let mut waiting = Vec::new();
    for ask in round {
        match ask {
            Ask::Mark(mark, done) => {
                next.vote = mark.vote;
                next.last = mark.last;
                next.chain = mark.chain;
                // Entries may be committed elsewhere before they are durable here.
                if mark.committed.map(|c| c.index) <= mark.last.map(|l| l.index) {
                    next.committed = mark.committed;
                }
                waiting.push(done);
            }
            Ask::Cluster(cluster, done) => {
                next.cluster = cluster;
                waiting.push(done);
            }
        }
    }
    next.seq = state.seq + 1;
    (next, waiting)
}
