//! The log since the last purge, in memory: the newest entries as they are, for those who are about to apply or send them;
//! the others as the bytes that are on the disk, which take a fraction of the room and are one piece each.

use std::collections::BTreeMap;
use std::io;
use std::ops::RangeBounds;

use baton_storage::codec;
use baton_storage::position::Position;

use super::convert;
use super::formats::Payload;
use super::types::*;

/// So many bytes of the newest entries are held as entries too.
const READY_BYTES: usize = 1024 * 1024;

/// Entries by index.
#[derive(Default)]
pub(super) struct LogCache {
    entries: BTreeMap<u64, Cached>,
    /// From this index on, all are ready.
    ready_from: u64,
    ready_bytes: usize,
}

struct Cached {
    at: Position,
    body: Box<[u8]>,
    ready: Option<Entry>,
}

impl Cached {
    fn entry(&self) -> io::Result<Entry> {
        match &self.ready {
            Some(entry) => Ok(entry.clone()),
            None => read(self.at, &self.body).map_err(|error| {
                io::Error::new(io::ErrorKind::InvalidData, format!("an entry of the log: {error}"))
            }),
        }
    }
}

fn read(at: Position, body: &[u8]) -> Result<Entry, codec::Error> {
    convert::entry(at, codec::decode::<Payload>(body)?)
}

impl LogCache {
    /// Takes an entry in behind all others, or one that was found on the disk.
    ///
    /// # Errors
    /// Bytes that cannot be understood.
    pub(super) fn found(&mut self, at: Position, body: Vec<u8>) -> Result<(), codec::Error> {
        let entry = read(at, &body)?;
        self.add(entry, body.into());
        Ok(())
    }

    /// Takes an entry in behind all others; its bytes are `body`.
    pub(super) fn add(&mut self, entry: Entry, body: Box<[u8]>) {
        let at = convert::position(entry.log_id);
        self.ready_bytes += body.len();
        let before = self.entries.insert(at.index, Cached { at, body, ready: Some(entry) });
        self.ready_bytes -=
            before.filter(|before| before.ready.is_some()).map_or(0, |before| before.body.len());
        while self.ready_bytes > READY_BYTES && self.ready_from < at.index {
            let next = self.entries.range_mut(self.ready_from..).next();
            let Some((index, cached)) = next.filter(|(index, _)| **index < at.index) else { break };
            self.ready_bytes -= cached.body.len();
            cached.ready = None;
            self.ready_from = index + 1;
        }
    }

    /// The entries of a range.
    ///
    /// # Errors
    /// None but for memory that was damaged: they were read before.
    pub(super) fn range(&self, range: impl RangeBounds<u64>) -> io::Result<Vec<Entry>> {
        self.entries.range(range).map(|(_, cached)| cached.entry()).collect()
    }

    /// As [`LogCache::range`], up to so many bytes, but one at least.
    ///
    /// # Errors
    /// As [`LogCache::range`].
    pub(super) fn first_of(&self, range: impl RangeBounds<u64>, most: usize) -> io::Result<Vec<Entry>> {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        for (_, cached) in self.entries.range(range) {
            entries.push(cached.entry()?);
            bytes += cached.body.len();
            if bytes >= most {
                break;
            }
        }
        Ok(entries)
    }

    /// The newest entries first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = io::Result<Entry>> {
        self.entries.values().rev().map(Cached::entry)
    }

    /// Where the last one stands.
    pub(super) fn last(&self) -> Option<LogId> {
        self.entries.values().next_back().map(|cached| convert::log_id(cached.at))
    }

    /// Gives up all from `first` on.
    pub(super) fn truncate(&mut self, first: u64) {
        let cut = self.entries.split_off(&first);
        let ready = cut.values().filter(|cached| cached.ready.is_some());
        self.ready_bytes -= ready.map(|cached| cached.body.len()).sum::<usize>();
        self.ready_from = self.ready_from.min(first);
    }

    /// Gives up all before `first`, and hands them back: thousands take a moment to free.
    pub(super) fn purge(&mut self, first: u64) -> impl Send + use<> {
        let kept = self.entries.split_off(&first);
        let purged = std::mem::replace(&mut self.entries, kept);
        let ready = purged.values().filter(|cached| cached.ready.is_some());
        self.ready_bytes -= ready.map(|cached| cached.body.len()).sum::<usize>();
        purged
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use baton_engine::{Batch, Command, Stamp};
    use openraft::EntryPayload;

    use super::*;

    /// An entry of about a kilobyte.
    fn entry(index: u64) -> (Entry, Box<[u8]>) {
        let stamp = Stamp { time_ms: index, wall_ms: 0 };
        let commands = vec![Command::TakeOffice { node: index }; 512];
        let payload = Payload::Batch(Arc::new(Batch { stamp, term: 1, commands }));
        let body = codec::encode(&payload);
        (convert::entry(Position { term: 1, index }, payload).unwrap(), body.into())
    }

    fn filled(count: u64) -> LogCache {
        let mut cache = LogCache::default();
        for (entry, body) in (1..=count).map(entry) {
            cache.add(entry, body);
        }
        cache
    }

    fn ready(cache: &LogCache) -> usize {
        let ready = cache.entries.values().filter(|cached| cached.ready.is_some());
        let bytes = ready.map(|cached| cached.body.len()).sum();
        assert_eq!(cache.ready_bytes, bytes);
        bytes
    }

    #[test]
    fn all_are_read_and_few_are_ready() {
        let cache = filled(4000);
        assert!(ready(&cache) <= READY_BYTES);
        assert!(cache.entries.values().next_back().is_some_and(|last| last.ready.is_some()));
        let read = cache.range(1..=4000).unwrap();
        assert_eq!(read.len(), 4000);
        for (index, read) in (1..).zip(read) {
            let (EntryPayload::Normal(read), EntryPayload::Normal(expected)) =
                (read.payload, entry(index).0.payload)
            else {
                panic!("a batch was put in")
            };
            assert_eq!(read.0, expected.0);
        }
        assert_eq!(cache.last().map(|last| last.index), Some(4000));
        assert!(cache.first_of(1..4000, 3000).unwrap().len() < 8);
        assert_eq!(cache.first_of(7..4000, 0).unwrap().len(), 1);
    }

    #[test]
    fn what_is_given_up_is_not_counted() {
        let mut cache = filled(4000);
        cache.truncate(3990);
        ready(&cache);
        drop(cache.purge(3980));
        ready(&cache);
        assert_eq!(cache.range(..).unwrap().len(), 10);
        for (entry, body) in (3990..7000).map(entry) {
            cache.add(entry, body);
        }
        assert!(ready(&cache) <= READY_BYTES);
        drop(cache.purge(7000));
        assert_eq!(ready(&cache), 0);
    }
}
