//! A log's disk that takes entries, and says that they are durable when a test allows it.

use std::io;
use std::sync::{Arc, Mutex};

use baton_storage::log::{Done, Log, LogDisk, Reached};
use baton_storage::position::{Position, Vote};
use tokio::sync::watch;

use crate::surroundings::OpenLog;

/// When entries are durable.
pub(super) struct Gate {
    /// How many entries the disk was given.
    pub(super) given: watch::Sender<usize>,
    /// What waits for it to open; none once it has.
    waiting: Mutex<Option<Vec<Waiting>>>,
}

type Waiting = (Done, io::Result<()>);

impl Gate {
    pub(super) fn closed() -> Arc<Self> {
        Arc::new(Self { given: watch::channel(0).0, waiting: Mutex::new(Some(Vec::new())) })
    }

    /// From now on, and what has waited.
    pub(super) fn open(&self) {
        let waiting = self.waiting.lock().unwrap().take();
        waiting.into_iter().flatten().for_each(|(done, result)| done(result));
    }

    fn pass(&self, done: Done, result: io::Result<()>) {
        match &mut *self.waiting.lock().unwrap() {
            Some(waiting) => waiting.push((done, result)),
            None => done(result),
        }
    }
}

/// Opens a log behind this gate.
pub(super) fn behind(gate: &Arc<Gate>) -> OpenLog {
    let gate = Arc::clone(gate);
    Arc::new(move |folder, node, failure| {
        let (log, found) = Log::open(folder, node, failure)?;
        let disk = Arc::new(SlowDisk { log, gate: Arc::clone(&gate) });
        Ok((disk as Arc<dyn LogDisk>, found))
    })
}

struct SlowDisk {
    log: Log,
    gate: Arc<Gate>,
}

impl LogDisk for SlowDisk {
    fn append(&self, entries: Vec<(Position, Vec<u8>)>, done: Done) -> io::Result<()> {
        let (gate, count) = (Arc::clone(&self.gate), entries.len());
        LogDisk::append(&self.log, entries, Box::new(move |result| gate.pass(done, result)))?;
        self.gate.given.send_modify(|given| *given += count);
        Ok(())
    }

    fn save_vote(&self, vote: Vote, done: Done) -> io::Result<()> {
        LogDisk::save_vote(&self.log, vote, done)
    }

    fn note_committed(&self, committed: Option<Position>) {
        LogDisk::note_committed(&self.log, committed);
    }

    fn join_cluster(&self, cluster: &str) -> io::Result<()> {
        LogDisk::join_cluster(&self.log, cluster)
    }

    fn truncate_after(&self, after: Option<Position>) -> io::Result<()> {
        LogDisk::truncate_after(&self.log, after)
    }

    fn purge(&self, through: Position) -> io::Result<()> {
        LogDisk::purge(&self.log, through)
    }

    fn reached(&self) -> Arc<Reached> {
        LogDisk::reached(&self.log)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        LogDisk::free_bytes(&self.log)
    }
}
