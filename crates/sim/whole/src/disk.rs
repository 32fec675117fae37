//! A disk under raft's log that forgets: what is written waits for a sync, and a crash keeps some of what waited, in
//! order, and loses the rest.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use baton_storage::hard_state::Identity;
use baton_storage::log::{Done, LogDisk, Reached, Recovered, random_id};
use baton_storage::position::{Position, Vote};
use tokio::sync::Notify;

/// Bytes that are free: a disk that is full is the business of others.
const ROOMY: u64 = 1 << 40;

/// Something on its way to the disk.
enum Write {
    Entry(Position, Vec<u8>),
    Vote(Vote),
    Purge(Position),
    Committed(Option<Position>),
    /// Somebody wants to hear that all before it is durable.
    Heard(Done),
}

/// What a disk holds, and what is on its way there.
#[derive(Default)]
struct Platter {
    identity: Option<Identity>,
    cluster: String,
    vote: Option<Vote>,
    committed: Option<Position>,
    purged: Option<Position>,
    entries: BTreeMap<u64, (Position, Vec<u8>)>,
    waiting: Vec<Write>,
}

/// A member's disk. A clone is the same one; it outlives its member's process.
#[derive(Clone, Default)]
pub(crate) struct Disk(Arc<Mutex<Platter>>);

impl Platter {
    fn last(&self) -> Option<Position> {
        self.entries.values().next_back().map(|(position, _)| *position).max(self.purged)
    }

    /// Makes it durable; who waits for it is given back.
    fn keep(&mut self, write: Write) -> Option<Done> {
        match write {
            Write::Entry(position, body) => drop(self.entries.insert(position.index, (position, body))),
            Write::Vote(vote) => self.vote = Some(vote),
            Write::Committed(committed) => self.committed = committed,
            Write::Purge(through) => {
                self.purged = Some(through);
                self.entries = self.entries.split_off(&(through.index + 1));
            }
            Write::Heard(done) => return Some(done),
        }
        None
    }
}

impl Disk {
    fn lock(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A member's process begins on it. Of what waited when the last one ended, `survives` says how many writes of how many are there.
    pub(crate) fn open(
        &self,
        node: u64,
        sync_ms: u64,
        survives: impl Fn(usize) -> usize,
    ) -> io::Result<(Arc<dyn LogDisk>, Recovered)> {
        let mut platter = self.lock();
        let waited = std::mem::take(&mut platter.waiting);
        let survivors = survives(waited.len());
        for write in waited.into_iter().take(survivors) {
            // Nobody who waited for it is there any more.
            drop(platter.keep(write));
        }
        if platter.identity.is_none() {
            platter.identity = Some(Identity { node, incarnation: random_id()? });
        }
        let identity = platter.identity.clone().ok_or_else(|| io::Error::other("no identity"))?;
        let found = Recovered {
            identity,
            cluster: platter.cluster.clone(),
            vote: platter.vote,
            committed: platter.committed.filter(|committed| Some(*committed) <= platter.last()),
            purged: platter.purged,
            entries: platter.entries.values().cloned().collect(),
            dropped: 0,
        };
        let log = SimulatedLog { disk: self.clone(), reached: Arc::default(), wanted: Arc::default() };
        log.reached.set(platter.vote, platter.last());
        drop(platter);
        tokio::spawn(sync(self.clone(), Arc::clone(&log.reached), Arc::clone(&log.wanted), sync_ms));
        Ok((Arc::new(log), found))
    }

    /// Everything that waits is durable now, and who waits for it hears that, in order.
    fn flush(&self, reached: &Reached, count: usize) {
        let mut platter = self.lock();
        let writes: Vec<Write> = platter.waiting.drain(..count).collect();
        let heard: Vec<Done> = writes.into_iter().filter_map(|write| platter.keep(write)).collect();
        reached.set(platter.vote, platter.last());
        drop(platter);
        heard.into_iter().for_each(|done| done(Ok(())));
    }
}

/// One sync takes along everything that waits when it begins.
async fn sync(disk: Disk, reached: Arc<Reached>, wanted: Arc<Notify>, longest_ms: u64) {
    loop {
        wanted.notified().await;
        let count = disk.lock().waiting.len();
        tokio::time::sleep(Duration::from_micros(fastrand::u64(100..=1000 * longest_ms.max(1)))).await;
        // A truncation may have flushed in the meantime.
        let count = disk.lock().waiting.len().min(count);
        disk.flush(&reached, count);
        if !disk.lock().waiting.is_empty() {
            wanted.notify_one();
        }
    }
}

/// The log of a process that runs on a [`Disk`].
struct SimulatedLog {
    disk: Disk,
    reached: Arc<Reached>,
    wanted: Arc<Notify>,
}

impl SimulatedLog {
    fn write(&self, writes: impl IntoIterator<Item = Write>) {
        self.disk.lock().waiting.extend(writes);
        self.wanted.notify_one();
    }

    fn flush(&self) {
        let count = self.disk.lock().waiting.len();
        self.disk.flush(&self.reached, count);
    }
}

impl LogDisk for SimulatedLog {
    fn append(&self, entries: Vec<(Position, Vec<u8>)>, done: Done) -> io::Result<()> {
        let entries = entries.into_iter().map(|(position, body)| Write::Entry(position, body));
        self.write(entries.chain([Write::Heard(done)]));
        Ok(())
    }

    fn save_vote(&self, vote: Vote, done: Done) -> io::Result<()> {
        self.write([Write::Vote(vote), Write::Heard(done)]);
        Ok(())
    }

    fn note_committed(&self, committed: Option<Position>) {
        self.disk.lock().waiting.push(Write::Committed(committed));
    }

    fn join_cluster(&self, cluster: &str) -> io::Result<()> {
        self.flush();
        self.disk.lock().cluster = cluster.to_owned();
        Ok(())
    }

    fn truncate_after(&self, after: Option<Position>) -> io::Result<()> {
        self.flush();
        let mut platter = self.disk.lock();
        let first = after.map_or(0, |position| position.index + 1);
        platter.entries.split_off(&first);
        self.reached.set(platter.vote, platter.last());
        Ok(())
    }

    fn purge(&self, through: Position) -> io::Result<()> {
        self.disk.lock().waiting.push(Write::Purge(through));
        Ok(())
    }

    fn reached(&self) -> Arc<Reached> {
        Arc::clone(&self.reached)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(ROOMY)
    }
}
