//! A backup: the state at one place of the log, in a file that says what it is and whether it is whole.

use std::path::Path;

use anyhow::Context;
use baton_engine::State;
use baton_storage::codec::{self, Record};
use baton_storage::file;
use baton_storage::position::Position;
use serde::{Deserialize, Serialize};

use super::cluster::{Cluster, ReadError};
use super::convert;
use super::formats::{Members, SnapshotState};
use crate::apart::apart;

/// What stands before the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackupHead {
    /// The cluster's id.
    pub(crate) cluster: String,
    /// The state holds all entries up to here.
    pub(crate) at: Position,
    /// Who belonged to the cluster.
    pub(crate) members: Members,
    /// When it was made, wall time, for people.
    pub(crate) wall_ms: i64,
}

impl Record for BackupHead {
    const MAGIC: u8 = 0xCC;
    const VERSION: u16 = 1;
}

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// How large it is.
    pub bytes: usize,
    /// The cluster's id.
    pub cluster: String,
    /// The log index that it reflects.
    pub revision: u64,
    /// When it was made, wall time.
    pub wall_ms: i64,
    /// Runs in it.
    pub runs: usize,
    /// Of these, those that had not ended.
    pub active: usize,
}

pub(crate) struct Backup {
    pub(crate) head: BackupHead,
    pub(crate) state: State,
}

impl Cluster {
    /// The state as a backup's bytes; not older than anything acknowledged before the call.
    ///
    /// # Errors
    /// As for every linearizable read.
    pub(crate) async fn backup(&self, wall_ms: i64) -> Result<Vec<u8>, ReadError> {
        self.linearize().await?;
        // The index first: the state may be newer than what the head says, never older.
        let index = *self.machine().applied().borrow();
        let state = self.machine().read(State::clone);
        let term = self.leadership().borrow().term;
        let members = convert::members(&self.membership());
        let head =
            BackupHead { cluster: self.standing().cluster(), at: Position { term, index }, members, wall_ms };
        let encode = move || [codec::encode(&head), codec::encode(&SnapshotState(state))].concat();
        let encoded = apart(encode).await;
        encoded.map_err(|error| ReadError::Unavailable(error.to_string()))
    }
}

/// Writes a backup durably, whole or not at all, reads it again, and says what is in it.
///
/// # Errors
/// If it cannot be written, or what came is no backup or not whole.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<Contents> {
    decode(bytes).context("what came from the cluster is no whole backup: take it again")?;
    file::write_durably(path, bytes)?;
    let Backup { head, state } = read(path)?;
    Ok(Contents {
        bytes: bytes.len(),
        cluster: head.cluster,
        revision: head.at.index,
        wall_ms: head.wall_ms,
        runs: state.runs.len(),
        active: state.active.len(),
    })
}

pub(crate) fn read(path: &Path) -> anyhow::Result<Backup> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    decode(&bytes)
        .with_context(|| format!("{} is no backup that can be restored; take an earlier one", path.display()))
}

fn decode(bytes: &[u8]) -> anyhow::Result<Backup> {
    let (head, used) = codec::decode_first::<BackupHead>(bytes).context("its head cannot be read")?;
    let SnapshotState(state) = codec::decode(&bytes[used..]).context("its state cannot be read")?;
    Ok(Backup { head, state })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::formats::MemberRecord;

    fn head() -> BackupHead {
        let record = MemberRecord { address: "h:1".into(), region: "r".into(), incarnation: "i".into() };
        let members = Members { voters: vec![[1].into()], nodes: [(1, record)].into() };
        BackupHead { cluster: "c".into(), at: Position { term: 2, index: 9 }, members, wall_ms: 8 }
    }

    #[test]
    fn the_head_is_these_bytes_for_ever() {
        let bytes = codec::encode(&head());
        assert_eq!(bytes[..3], [0xCC, 1, 0]);
        let body = [&[1, b'c', 2, 9, 1, 1, 1, 1, 1, 3][..], b"h:1", &[1, b'r', 1, b'i', 16]].concat();
        assert_eq!(bytes[codec::HEADER_LEN..], body);
    }

    #[test]
    fn a_backup_that_is_not_whole_is_refused() {
        let whole = [codec::encode(&head()), codec::encode(&SnapshotState(State::default()))].concat();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup");
        assert_eq!(write(&path, &whole).unwrap().revision, 9);
        for at in 0..whole.len() {
            assert!(decode(&whole[..at]).is_err(), "cut after {at} bytes");
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert!(decode(&flipped).is_err(), "flipped at {at}");
        }
        assert!(write(&path, &whole[1..]).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), whole, "a failed backup leaves the one before");
    }
}
