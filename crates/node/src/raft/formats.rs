//! Every shape that raft puts on disk or on the wire, as records of our own: openraft's types
//! change from one alpha to the next, these do not. A shape that was written once is never
//! changed; a new one gets a new version, and the old one stays to be read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use baton_engine::run::Run;
use baton_engine::standing::Summary;
use baton_engine::{Batch, State};
use baton_storage::archive::{Entry, Mark};
use baton_storage::codec::{self, Record};
use baton_storage::position::{Position, Vote};
use serde::{Deserialize, Serialize};

macro_rules! record {
    ($name:ident, $magic:literal) => {
        impl Record for $name {
            const MAGIC: u8 = $magic;
            const VERSION: u16 = 1;
        }
    };
}

/// What an entry carries; its place stands in the log's own record.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Payload {
    /// A new leader's first entry.
    Blank,
    /// Commands.
    Batch(Arc<Batch>),
    /// Who belongs to the cluster.
    Membership(Members),
}
record!(Payload, 0xC1);

/// A membership: the sets of voters of which each must have a majority, and everyone's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Members {
    pub(crate) voters: Vec<BTreeSet<u64>>,
    pub(crate) nodes: BTreeMap<u64, MemberRecord>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemberRecord {
    pub(crate) address: String,
    pub(crate) region: String,
    pub(crate) incarnation: String,
}

/// An entry on the wire.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WireEntry {
    pub(crate) at: Position,
    pub(crate) payload: Payload,
}

/// The leader's entries, or its heartbeat.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Append {
    pub(crate) vote: Vote,
    pub(crate) after: Option<Position>,
    pub(crate) entries: Vec<WireEntry>,
    pub(crate) committed: Option<Position>,
}
record!(Append, 0xC2);

/// How a follower takes them.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AppendAnswer {
    /// All are durable.
    Taken,
    /// Those up to here are.
    TakenUpTo(Option<Position>),
    /// The entry before them is not there.
    Conflict,
    /// Another leader is newer.
    Newer(Vote),
}
record!(AppendAnswer, 0xC3);

/// A candidate's question; the body of `Vote` and `PreVote`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VoteAsked {
    pub(crate) vote: Vote,
    pub(crate) last: Option<Position>,
    pub(crate) transfer: bool,
}
record!(VoteAsked, 0xC4);

/// The answer.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VoteAnswer {
    pub(crate) vote: Vote,
    pub(crate) granted: bool,
    pub(crate) last: Option<Position>,
}
record!(VoteAnswer, 0xC5);

/// A part of a snapshot's file, in order; an empty one is the last.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotPart {
    pub(crate) vote: Vote,
    #[serde(with = "baton_storage::codec::bytes")]
    pub(crate) bytes: Vec<u8>,
}
record!(SnapshotPart, 0xC6);

/// The follower's vote after it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotAnswer {
    pub(crate) vote: Vote,
}
record!(SnapshotAnswer, 0xC7);

/// A leader that steps aside for another member.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transfer {
    pub(crate) from: Vote,
    pub(crate) to: u64,
    pub(crate) last: Option<Position>,
}
record!(Transfer, 0xC8);

/// Whether that member can take over.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TransferAnswer {
    /// It has begun an election.
    Accepted,
    /// It follows another vote.
    VoteChanged { expected: Vote, actual: Vote },
    /// Its log does not reach as far.
    LogBehind { expected: Option<Position>, actual: Option<Position> },
}
record!(TransferAnswer, 0xC9);

/// The head of a snapshot's file: where in the log it stands, and how far its archive reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotHead {
    pub(crate) last: Option<Position>,
    pub(crate) members_at: Option<Position>,
    pub(crate) members: Members,
    pub(crate) archived: Mark,
}

impl Record for SnapshotHead {
    const MAGIC: u8 = 0xCA;
    const VERSION: u16 = 2;

    fn upgrade(version: u16, body: &[u8]) -> Result<Self, codec::Error> {
        if version != 1 {
            return Err(codec::Error::Unreadable { found: version, known: Self::VERSION });
        }
        let (last, members_at, members) = codec::decode_body(body)?;
        Ok(Self { last, members_at, members, archived: Mark::default() })
    }
}

/// The rest of it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SnapshotState(pub(crate) State);

impl Record for SnapshotState {
    const MAGIC: u8 = 0xCB;
    const VERSION: u16 = 2;

    /// Version 1 ended before the preferred region: that there is none is one byte more.
    fn upgrade(version: u16, body: &[u8]) -> Result<Self, codec::Error> {
        match version {
            1 => codec::decode_body(&[body, &[0]].concat()),
            _ => Err(codec::Error::Unreadable { found: version, known: Self::VERSION }),
        }
    }
}

/// A run at rest, as the archive keeps it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ArchivedRun(pub(crate) Arc<Run>);
record!(ArchivedRun, 0xCD);

/// Its line in a list.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArchivedLine(pub(crate) Summary);
record!(ArchivedLine, 0xCE);

/// A member's question for the archive from where its own ends up to where a snapshot's does.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArchiveAsked {
    pub(crate) from: Mark,
    pub(crate) to: Mark,
}
record!(ArchiveAsked, 0xCF);

/// Some of it, in order.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArchivePart(pub(crate) Vec<Entry>);
record!(ArchivePart, 0xD0);

#[cfg(test)]
#[path = "formats_tests.rs"]
mod tests;
