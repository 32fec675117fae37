//! What the tests of the log share.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use baton_storage::log::{Done, Log, LogDisk, OpenError, Recovered};
use baton_storage::position::{Position, Vote};

/// Opens the log of member 1; a failure of the disk ends the test.
pub(crate) fn open(folder: &Path) -> Result<(Log, Recovered), OpenError> {
    Log::open(folder, 1, Arc::new(|error| panic!("the disk failed: {error}")))
}

pub(crate) fn at(term: u64, index: u64) -> Position {
    Position { term, index }
}

pub(crate) fn vote(term: u64, node: u64) -> Vote {
    Vote { term, node, committed: false }
}

/// Bytes that tell which entry they belong to.
pub(crate) fn body(index: u64, len: usize) -> Vec<u8> {
    (0..len).map(|i| (index as usize * 31 + i) as u8).collect()
}

/// A callback, and where to wait for it.
pub(crate) fn done() -> (Done, Receiver<std::io::Result<()>>) {
    let (answer, answered) = channel();
    let done = Box::new(move |result| answer.send(result).unwrap());
    (done, answered)
}

/// Appends entries with small bodies and waits until they are durable.
pub(crate) fn append(log: &Log, term: u64, indexes: impl IntoIterator<Item = u64>) {
    let (done, answered) = done();
    let entries = indexes.into_iter().map(|i| (at(term, i), body(i, 100)));
    log.append(entries.collect(), done).unwrap();
    answered.recv().unwrap().unwrap();
}

pub(crate) fn save_vote(log: &Log, vote: Vote) {
    let (done, answered) = done();
    log.save_vote(vote, done).unwrap();
    answered.recv().unwrap().unwrap();
}

/// The indexes that were recovered, after a check of each body.
pub(crate) fn indexes(recovered: &Recovered) -> Vec<u64> {
    for (position, bytes) in &recovered.entries {
        assert_eq!(*bytes, body(position.index, bytes.len()));
    }
    recovered.entries.iter().map(|(p, _)| p.index).collect()
}
