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
