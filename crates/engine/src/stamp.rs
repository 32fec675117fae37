//! The time that a leader puts on what it proposes.

use serde::{Deserialize, Serialize};

/// Time as the log knows it. Only `time_ms` decides anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Cluster time, milliseconds: advances by the leader's monotonic clock from the highest
    /// stamp in the log, so a wall clock that jumps moves no deadline.
    pub time_ms: u64,
    /// Wall time, Unix milliseconds, for people to read.
    pub wall_ms: i64,
}

/// When and where in the log something happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Moment {
    /// The log index of the entry that is being applied.
    pub index: u64,
    /// Its stamp, never older than an earlier entry's.
    pub stamp: Stamp,
}
