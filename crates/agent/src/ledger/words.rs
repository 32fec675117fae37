//! What the ledger hears and what it decides.

use crate::attempt::{Assignment, Key, Report};
use crate::journal::Fact;

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A leader welcomed this agent.
    Connected,
    /// The leader's state was restored: it asks what was done since.
    AskedToRecount,
    /// The session ended.
    Disconnected,
    /// The lease runs until this instant of the boot clock, in nanoseconds.
    Renewed {
        until_ns: u64,
    },
    Assigned(Assignment),
    BeginAnswered {
        key: Key,
        begun: bool,
        reason: String,
    },
    Stop {
        key: Key,
        reason: String,
    },
    Acknowledged(Key),
    /// The line last decided for this token is on disk.
    Durable(u64),
    /// What the attempt's folder shows: at start, or when its supervisor let go of the lock.
    Seen {
        token: u64,
        seen: Seen,
    },
    /// The attempt is over, and what it left has been ended.
    Ended(Report),
}

/// What can be seen of an attempt from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its supervisor is alive.
    pub locked: bool,
    /// The marker written right before the action is there.
    pub executing: bool,
    /// The exit record.
    pub exit: Option<Report>,
}

/// What has to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Ask the leader whether the attempt may act.
    AskBegin(Key),
    /// Write the lines durably, then say [`Event::Durable`].
    Journal { token: u64, facts: Vec<Fact> },
    /// Write that the attempt may be forgotten, at leisure, and remove its folder if it may have one.
    Forget { token: u64, journaled: bool, has_folder: bool },
    /// Start the supervisor and watch it.
    Start(Assignment),
    /// Watch a supervisor that an earlier agent started.
    Adopt(Key),
    /// Tell the supervisor to end the attempt's tree.
    End { token: u64, reason: String },
    /// Make sure that an attempt which never acted never will, then say [`Event::Ended`].
    Bury(Key),
    /// End all that a dead supervisor left, then say [`Event::Ended`].
    Sweep(Key),
    /// Tell the leader what the journal holds, and what it remembers of attempts that are over.
    Recount { held: Vec<Key>, over: Vec<Key> },
    /// Offer the report to the leader.
    Report(Report),
    /// Say in the log why nothing happens.
    Refuse { key: Key, reason: String },
}
