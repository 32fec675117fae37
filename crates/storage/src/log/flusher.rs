//! The one thread that makes things durable: it takes everything that waits, flushes once and answers in order. The
//! hard state follows: at once where a vote depends on it, else a little later.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

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
        let written = state.clone();
        let (behind_since, failure) = (None, None);
        let mut rounds =
            Rounds { db, file, written, behind_since, state, reached, watchdog, on_failure, failure };
        let thread = Builder::new().name("baton-flush".into()).spawn(move || rounds.run(&asks))?;
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
    /// As the file has it.
    written: HardState,
    /// Since when that is less than what the database has.
    behind_since: Option<Instant>,
    /// As the database has it.
    state: HardState,
    reached: Arc<Reached>,
    watchdog: Watchdog,
    on_failure: OnFailure,
    /// The first write or sync that failed.
    failure: Option<(io::ErrorKind, String)>,
}

/// So far may the hard state be behind the database.
const LAG: Duration = Duration::from_millis(20);

impl Rounds {
    fn run(&mut self, asks: &Receiver<Ask>) {
        while let Some(first) = self.next(asks) {
            let round = std::iter::once(first).chain(asks.try_iter());
            let (next, waiting) = gather(&self.state, round);
            if self.failure.is_none() {
                let made = self.make_durable(next);
                self.note(made);
            }
            // After a failure nobody knows what the disk holds: everything later fails too.
            for done in waiting {
                done(match &self.failure {
                    None => Ok(()),
                    Some((kind, text)) => Err(io::Error::new(*kind, text.clone())),
                });
            }
        }
    }

    /// The next one who asks; `None` once the log is closed. If nobody does for a while, the hard state catches up.
    fn next(&mut self, asks: &Receiver<Ask>) -> Option<Ask> {
        let Some(since) = self.behind_since.filter(|_| self.failure.is_none()) else {
            return asks.recv().ok();
        };
        asks.recv_timeout(LAG.saturating_sub(since.elapsed())).ok().or_else(|| {
            let written = self.write_hard_state();
            self.note(written);
            asks.recv().ok()
        })
    }

    /// Remembers a failure, and says it.
    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            (self.on_failure)(&error);
            self.failure = Some((error.kind(), error.to_string()));
        }
    }

    /// The database first: the hard state must never speak of more than it holds.
    fn make_durable(&mut self, next: HardState) -> io::Result<()> {
        let watched = self.watchdog.begin();
        tracing::debug_span!(target: "stage", "fsync", through = next.last.map(|last| last.index))
            .in_scope(|| self.db.flush())?;
        self.reached.set(next.vote, next.last);
        self.state = next;
        self.behind_since.get_or_insert_with(Instant::now);
        drop(watched);
        if self.is_due() { self.write_hard_state() } else { Ok(()) }
    }

    /// Votes and the cluster's id are in the file before anybody hears of them, and so is that entries were given up.
    /// That there are more entries may wait a little: the database is what holds them, and the other members remember
    /// how far this one's data reached. The file is there to find a database out that went back in time.
    fn is_due(&self) -> bool {
        let (new, old) = (&self.state, &self.written);
        let gave_up = new.last.map(|last| last.index) < old.last.map(|last| last.index);
        let late = self.behind_since.is_some_and(|since| since.elapsed() >= LAG);
        (new.vote, &new.cluster) != (old.vote, &old.cluster) || gave_up || late
    }

    fn write_hard_state(&mut self) -> io::Result<()> {
        let _watched = self.watchdog.begin();
        self.state.seq = self.written.seq + 1;
        self.file.write(&self.state).map_err(|error| match error {
            hard_state::Error::Io(error) => error,
            other => io::Error::other(other.to_string()),
        })?;
        self.written = self.state.clone();
        self.behind_since = None;
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
    (next, waiting)
}
