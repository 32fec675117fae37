//! What raft asks of its log's disk. [`super::Log`] is the one that there is; a simulator has one that forgets.

use std::io;
use std::sync::Arc;

use super::{Done, Reached};
use crate::position::{Position, Vote};

/// The disk under raft's log and vote. Entries and votes are one sequence: whoever writes, writes from one thread.
pub trait LogDisk: Send + Sync {
    /// Writes entries that follow the last one; `done` hears when they are durable.
    ///
    /// # Errors
    /// A gap in the order, or what the disk said; the log takes no more writes then.
    fn append(&self, entries: Vec<(Position, Vec<u8>)>, done: Done) -> io::Result<()>;

    /// Records a vote; `done` hears when it is durable.
    ///
    /// # Errors
    /// What the disk said.
    fn save_vote(&self, vote: Vote, done: Done) -> io::Result<()>;

    /// Remembers how far the log is committed, with the next write and not sooner: after a crash
    /// a member may know less of it, never more.
    fn note_committed(&self, committed: Option<Position>);

    /// Records the cluster that this member belongs to. Blocks until it is durable.
    ///
    /// # Errors
    /// What the disk said.
    fn join_cluster(&self, cluster: &str) -> io::Result<()>;

    /// Removes every entry after `after`, the last first. Blocks.
    ///
    /// # Errors
    /// What the disk said.
    fn truncate_after(&self, after: Option<Position>) -> io::Result<()>;

    /// Gives up every entry up to `through`, which a durable snapshot holds. The space is taken
    /// back in the background.
    ///
    /// # Errors
    /// What the disk said.
    fn purge(&self, through: Position) -> io::Result<()>;

    /// How far the data on disk reaches, to be looked at as the log goes on.
    fn reached(&self) -> Arc<Reached>;

    /// Bytes that are free on the log's disk.
    ///
    /// # Errors
    /// Those of the file system.
    fn free_bytes(&self) -> io::Result<u64>;
}
