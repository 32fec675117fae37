//! A backup: the state at one place of the log and the archive that goes with it, in a file that says what it is and
//! whether it is whole.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use baton_engine::State;
use baton_storage::archive::Entry;
use baton_storage::codec::{self, Record};
use baton_storage::file;
use baton_storage::position::Position;
use serde::{Deserialize, Serialize};

use super::cluster::{Cluster, ReadError};
use super::convert;
use super::formats::{ArchivePart, Members, SnapshotState};
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
    /// How many entries of the archive follow the state.
    pub(crate) archived: u64,
}

impl Record for BackupHead {
    const MAGIC: u8 = 0xCC;
    const VERSION: u16 = 2;

    fn upgrade(version: u16, body: &[u8]) -> Result<Self, codec::Error> {
        if version != 1 {
            return Err(codec::Error::Unreadable { found: version, known: Self::VERSION });
        }
        let (cluster, at, members, wall_ms) = codec::decode_body(body)?;
        Ok(Self { cluster, at, members, wall_ms, archived: 0 })
    }
}

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// How large it is.
    pub bytes: u64,
    /// The cluster's id.
    pub cluster: String,
    /// The log index that it reflects.
    pub revision: u64,
    /// When it was made, wall time.
    pub wall_ms: i64,
    /// Runs in it.
    pub runs: u64,
    /// Of these, those that had not ended.
    pub active: usize,
}

/// A backup that is being read.
pub(crate) struct Backup {
    pub(crate) head: BackupHead,
    pub(crate) state: State,
    pub(crate) archived: Archived<BufReader<File>>,
}

/// A backup that is being made: its beginning, and how many entries of the archive follow.
pub(crate) struct Beginning {
    pub(crate) bytes: Vec<u8>,
    pub(crate) archived: u64,
}

impl Cluster {
    /// The beginning of a backup; not older than anything acknowledged before the call.
    ///
    /// # Errors
    /// As for every linearizable read.
    pub(crate) async fn begin_backup(&self, wall_ms: i64) -> Result<Beginning, ReadError> {
        self.linearize().await?;
        // The index first: the state may be newer than what the head says, never older.
        let index = *self.machine().applied().borrow();
        let files = self.machine().archive().files();
        let (state, archived) = self.machine().read(|state| (state.clone(), files.mark().count));
        let term = self.leadership().borrow().term;
        let members = convert::members(&self.membership());
        let (cluster, at) = (self.standing().cluster(), Position { term, index });
        let head = BackupHead { cluster, at, members, wall_ms, archived };
        let encode = move || [codec::encode(&head), codec::encode(&SnapshotState(state))].concat();
        let encoded = apart(encode).await;
        let bytes = encoded.map_err(|error| ReadError::Unavailable(error.to_string()))?;
        Ok(Beginning { bytes, archived })
    }
}

/// A backup on its way into a file, under another name until it is whole, so that no half of it is taken for one.
pub struct Unfinished {
    file: File,
    unfinished: PathBuf,
    path: PathBuf,
}

impl Unfinished {
    /// Begins one that is to stand at `path`.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let unfinished = file::unfinished_name(path)?;
        let file = File::create(&unfinished);
        let file = file.with_context(|| format!("cannot write {}", unfinished.display()))?;
        Ok(Self { file, unfinished, path: path.to_path_buf() })
    }

    /// Adds what came.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Gives it its name, durably, if it is whole, and says what is in it.
    ///
    /// # Errors
    /// If what came is no backup or not whole; those of the file system.
    pub fn finish(self) -> anyhow::Result<Contents> {
        let not_whole = "what came from the cluster is no whole backup: take it again";
        let Backup { head, state, archived } = read(&self.unfinished).context(not_whole)?;
        for entry in archived {
            entry.context(not_whole)?;
        }
        file::rename_durably(&self.file, &self.unfinished, &self.path)?;
        Ok(Contents {
            bytes: std::fs::metadata(&self.path)?.len(),
            cluster: head.cluster,
            revision: head.at.index,
            wall_ms: head.wall_ms,
            runs: state.started,
            active: state.active.len(),
        })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Once it is whole it has another name.
        let _ = std::fs::remove_file(&self.unfinished);
    }
}

/// Reads a backup's beginning; the archive's entries are read as they are asked for.
pub(crate) fn read(path: &Path) -> anyhow::Result<Backup> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    begin(BufReader::new(file))
        .with_context(|| format!("{} is no backup that can be restored; take an earlier one", path.display()))
}

fn begin(mut stream: BufReader<File>) -> anyhow::Result<Backup> {
    let head: BackupHead = next(&mut stream).context("its head cannot be read")?;
    let SnapshotState(state) = next(&mut stream).context("its state cannot be read")?;
    let archived = Archived { stream, left: head.archived, entries: Vec::new().into_iter() };
    Ok(Backup { head, state, archived })
}

fn next<R: Record>(stream: &mut impl io::Read) -> anyhow::Result<R> {
    let bytes = codec::read_envelope(stream)?.context("it is cut off")?;
    Ok(codec::decode(&bytes)?)
}

/// The archive's entries in a backup. The last one is only given where nothing follows it.
pub(crate) struct Archived<S> {
    stream: S,
    /// Entries that are still to come, with those that were read.
    left: u64,
    entries: std::vec::IntoIter<Entry>,
}

impl<S: io::Read> Archived<S> {
    fn advance(&mut self) -> anyhow::Result<Option<Entry>> {
        if self.left == 0 {
            ensure!(self.stream.read(&mut [0])? == 0, "something follows its end");
            return Ok(None);
        }
        if self.entries.len() == 0 {
            let ArchivePart(entries) = next(&mut self.stream).context("its archive cannot be read")?;
            self.entries = entries.into_iter();
        }
        self.left -= 1;
        self.entries.next().context("a part of its archive is empty").map(Some)
    }
}

impl<S: io::Read> Iterator for Archived<S> {
    type Item = anyhow::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

#[cfg(test)]
#[path = "backup_tests.rs"]
mod tests;
