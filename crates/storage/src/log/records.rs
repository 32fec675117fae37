//! The shapes of the log's records, and the chain that binds them.

use serde::{Deserialize, Serialize};

use crate::codec::Record;
use crate::position::{Position, Vote};

/// Index of the purge record in its table.
pub(super) const PURGED: u64 = 0;
/// Index of the vote in its table.
pub(super) const VOTE: u64 = 1;

/// An entry; its index is its key.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) term: u64,
    /// Over this entry and, through the chain's value before it, over all that came before.
    pub(super) chain: u32,
    #[serde(with = "crate::codec::bytes")]
    pub(super) body: Vec<u8>,
}

impl Record for Entry {
    const MAGIC: u8 = 0xB2;
    const VERSION: u16 = 1;
}

impl Entry {
    pub(super) fn chained(before: u32, position: Position, body: Vec<u8>) -> Self {
        Self { term: position.term, chain: link(before, position, &body), body }
    }
}

/// The chain's value after an entry.
pub(super) fn link(before: u32, position: Position, body: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&before.to_le_bytes());
    sum.update(&position.index.to_le_bytes());
    sum.update(&position.term.to_le_bytes());
    sum.update(body);
    sum.finalize()
}

/// The chain's value where a log begins behind a snapshot that came from another member.
pub(super) fn chain_start(through: Position) -> u32 {
    link(0, through, &[])
}

/// How far the log has been given up to a snapshot.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Purged {
    pub(super) position: Position,
    pub(super) chain: u32,
}

impl Record for Purged {
    const MAGIC: u8 = 0xB3;
    const VERSION: u16 = 1;
}

impl Record for Vote {
    const MAGIC: u8 = 0xB4;
    const VERSION: u16 = 1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    fn golden<R: Record + PartialEq + std::fmt::Debug>(record: &R, body: &[u8]) {
        let bytes = codec::encode(record);
        assert_eq!(bytes[0], R::MAGIC);
        assert_eq!(bytes[1..3], [1, 0]);
        assert_eq!(&bytes[codec::HEADER_LEN..], body);
        assert_eq!(codec::decode::<R>(&bytes).unwrap(), *record);
    }

    #[test]
    fn golden_bodies() {
        let position = Position { term: 2, index: 9 };
        let entry = Entry::chained(7, position, vec![1, 2, 3]);
        golden(&entry, &[2, 252, 0xF9, 0xC1, 0xCB, 0x28, 3, 1, 2, 3]);
        golden(&Purged { position, chain: 7 }, &[2, 9, 7]);
        let vote = Vote { term: 5, node: 3, committed: true };
        golden(&vote, &[5, 3, 1]);
    }

    #[test]
    fn the_chain_depends_on_everything() {
        let at = |term, index| Position { term, index };
        let values = [
            link(0, at(1, 1), b"a"),
            link(1, at(1, 1), b"a"),
            link(0, at(2, 1), b"a"),
            link(0, at(1, 2), b"a"),
            link(0, at(1, 1), b"b"),
        ];
        let distinct: std::collections::BTreeSet<_> = values.iter().collect();
        assert_eq!(distinct.len(), values.len());
    }
}
