//! Where an entry stands in the log, and whom a member has voted for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An entry's term and index; raft calls it the log id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The term of the leader that proposed it.
    pub term: u64,
    /// Its place, from 0.
    pub index: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of term {}", self.index, self.term)
    }
}

/// How far a member's durable data reaches. While its data folder is the same this only grows: terms do, and entries of
/// the newest term are never given up within it. Entries of earlier terms may be, so they do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reach {
    /// The term of the last vote.
    pub term: u64,
    /// The last entry of that term; zero while there is none.
    pub index: u64,
}

impl Reach {
    /// The reach of data with this vote and this last entry.
    pub fn of(vote: Option<Vote>, last: Option<Position>) -> Self {
        let term = vote.map_or(0, |vote| vote.term);
        Self { term, index: last.filter(|last| last.term == term).map_or(0, |last| last.index) }
    }
}

/// The vote: at most one node in a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// The term.
    pub term: u64,
    /// The node voted for.
    pub node: u64,
    /// A quorum has accepted it as the leader.
    pub committed: bool,
}

impl Vote {
    /// Whether this vote was cast after `other`: in a later term, or accepted in the same one.
    pub fn is_after(&self, other: &Self) -> bool {
        (self.term, self.committed) > (other.term, other.committed)
    }
}
