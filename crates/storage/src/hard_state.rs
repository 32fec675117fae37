//! What a member must never forget, in a small file of its own beside the database.
//!
//! Two slots are written in turn, so that a torn write leaves the one before it whole. Nothing
//! that depends on a vote is answered before the slot that tells of it is synced; entries are told of
//! a few milliseconds late (`log/flusher.rs`). At the start the file is compared with the database,
//! which is how a database that went back in time is found out.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::codec::{self, Record};
use crate::file;
use crate::position::{Position, Vote};
use crate::sabotage::{self, Bug};

/// Bytes of a slot: what disks write in one piece, or tear without touching the other slot.
pub const SLOT_BYTES: usize = 4096;

/// Who a member is, fixed for the life of its data folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The member's id.
    pub node: u64,
    /// Drawn at random when the folder was created: another folder is another member.
    pub incarnation: String,
}

/// One slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardState {
    /// Counts writes: of two whole slots the larger is the newer.
    pub seq: u64,
    /// Who writes.
    pub identity: Identity,
    /// The cluster's id; empty before the first start.
    pub cluster: String,
    /// The last vote.
    pub vote: Option<Vote>,
    /// An entry that the database was sure to hold; it may hold more.
    pub last: Option<Position>,
    /// The chain's value there.
    pub chain: u32,
    /// The last entry known to be committed; may lag behind.
    pub committed: Option<Position>,
}

impl Record for HardState {
    const MAGIC: u8 = 0xB1;
    const VERSION: u16 = 1;
}

/// Why there is no hard state to go on from.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither slot can be read.
    #[error("{}: neither slot can be read: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with the better slot.
        reason: codec::Error,
    },
    /// The file system said so.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The open file.
pub struct HardStateFile {
    file: File,
    path: PathBuf,
}

impl HardStateFile {
    /// Creates the file with its first slot, durably.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create(path: &Path, first: &HardState) -> Result<Self, Error> {
        // Both slots exist from the start: later writes change no length, so `fdatasync` has
        // nothing but the slot itself to write.
        let mut bytes = slot(first)?;
        bytes.resize(2 * SLOT_BYTES, 0);
        bytes.copy_within(..SLOT_BYTES, SLOT_BYTES);
        file::write_durably(path, &bytes)?;
        Ok(Self::open(path)?.0)
    }

    /// Opens the file and reads its newer whole slot.
    ///
    /// # Errors
    /// As [`Error`]; [`io::ErrorKind::NotFound`] where there is none.
    pub fn open(path: &Path) -> Result<(Self, HardState), Error> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|error| file::named("open", path, &error))?;
        let state = newer(&file, path)?;
        let path = path.to_path_buf();
        Ok((Self { file, path }, state))
    }

    /// Writes a slot and syncs it. The slot is drawn from `state.seq`, which must rise by one.
    ///
    /// # Errors
    /// Those of the file system; a failed sync must not be retried.
    pub fn write(&self, state: &HardState) -> Result<(), Error> {
        let at = state.seq % 2 * SLOT_BYTES as u64;
        self.file
            .write_all_at(&slot(state)?, at)
            .and_then(|()| match sabotage::planted(Bug::PlainFlush) {
                true => Ok(()),
                false => self.file.sync_data(),
            })
            .map_err(|error| file::named("write", &self.path, &error).into())
    }
}

fn slot(state: &HardState) -> io::Result<Vec<u8>> {
    let mut bytes = codec::encode(state);
    if bytes.len() > SLOT_BYTES {
        return Err(io::Error::other("a hard state is larger than its slot"));
    }
    bytes.resize(SLOT_BYTES, 0);
    Ok(bytes)
}

fn newer(file: &File, path: &Path) -> Result<HardState, Error> {
    let read = |which: u64| -> io::Result<Result<HardState, codec::Error>> {
        let mut bytes = vec![0; SLOT_BYTES];
        let at = which * SLOT_BYTES as u64;
        match file.read_exact_at(&mut bytes, at) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Ok(Err(codec::Error::Truncated { have: 0, need: SLOT_BYTES }))
            }
            Err(error) => Err(file::named("read", path, &error)),
            Ok(()) => Ok(codec::decode_first(&bytes).map(|(state, _)| state)),
        }
    };
    match (read(0)?, read(1)?) {
        (Ok(a), Ok(b)) => Ok(if a.seq > b.seq { a } else { b }),
        // A slot that a newer Baton wrote is not torn: what it says must not be passed over.
        (Err(newer @ codec::Error::Newer { .. }), _) | (_, Err(newer @ codec::Error::Newer { .. })) => {
            Err(Error::Unreadable { path: path.to_path_buf(), reason: newer })
        }
        (Ok(whole), Err(_)) | (Err(_), Ok(whole)) => Ok(whole),
        (Err(reason), Err(_)) => Err(Error::Unreadable { path: path.to_path_buf(), reason }),
    }
}

#[cfg(test)]
#[path = "hard_state_tests.rs"]
mod tests;
