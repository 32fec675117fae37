//! Snapshots as plain files: one is current, and it is replaced whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use baton_engine::State;
use baton_storage::archive::Mark;
use baton_storage::{codec, file};

use super::archive::RunArchive;
use super::convert;
use super::formats::{SnapshotHead, SnapshotState};
use super::types::{RaftSnapshot, SnapshotMeta};

/// The bytes of a snapshot, behind an open file: it stays readable when a newer one takes its
/// place.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotBytes(Arc<File>);

impl SnapshotBytes {
    /// Reads up to `len` bytes from `at`; fewer only at the end. Blocks.
    pub(crate) fn read_at(&self, at: u64, len: usize) -> io::Result<Vec<u8>> {
        use std::os::unix::fs::FileExt;
        let rest = self.0.metadata()?.len().saturating_sub(at);
        let len = len.min(usize::try_from(rest).unwrap_or(usize::MAX));
        let mut bytes = vec![0; len];
        self.0.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    fn read_all(&self) -> io::Result<Vec<u8>> {
        self.read_at(0, usize::MAX)
    }
}

/// The folder that snapshots are kept in.
#[derive(Clone)]
pub(crate) struct SnapshotFolder {
    path: PathBuf,
    current: Arc<Mutex<Option<SnapshotMeta>>>,
    /// Held by whoever writes the next one.
    writing: Arc<Mutex<()>>,
}

/// A snapshot that was read.
pub(crate) struct Loaded {
    pub(crate) meta: SnapshotMeta,
    /// How far the archive reaches that goes with the state.
    pub(crate) archived: Mark,
    pub(crate) state: State,
}

impl SnapshotFolder {
    /// Opens the folder, and reads the current snapshot if there is one. Blocks.
    ///
    /// # Errors
    /// If a snapshot is there that cannot be read; what it held is in no log any more.
    pub(crate) fn open(path: &Path) -> anyhow::Result<(Self, Option<Loaded>)> {
        file::create_folder_durably(path)?;
        let folder = Self { path: path.to_path_buf(), current: Arc::default(), writing: Arc::default() };
        folder.remove_unfinished()?;
        let loaded = match fs::read(folder.current_path()) {
            Ok(bytes) => Some(decode(&bytes).map_err(|error| {
                anyhow::anyhow!(
                    "the snapshot {} cannot be read: {error}. This member's data is damaged: move its \
                     data folder away and bring the member back under a new id",
                    folder.current_path().display()
                )
            })?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        *folder.lock() = loaded.as_ref().map(|loaded| loaded.meta.clone());
        Ok((folder, loaded))
    }

    /// The current snapshot.
    pub(crate) fn current(&self) -> io::Result<Option<(SnapshotMeta, SnapshotBytes)>> {
        let current = self.lock();
        let Some(meta) = current.clone() else {
            return Ok(None);
        };
        let file = File::open(self.current_path())?;
        Ok(Some((meta, SnapshotBytes(Arc::new(file)))))
    }

    /// Makes a snapshot of `state` the current one, unless a newer one has come in the meantime. What is in the archive
    /// before `archived` must be durable. Blocks.
    pub(crate) fn write(&self, meta: &SnapshotMeta, archived: Mark, state: State) -> io::Result<()> {
        let _writing = self.writing();
        // Raft may ask for the current one meanwhile, and is not kept waiting for more than its replacement.
        if !is_newer(meta, self.lock().as_ref()) {
            return Ok(());
        }
        let path = self.current_path();
        let unfinished = file::unfinished_name(&path)?;
        let write = || {
            let mut file = File::create(&unfinished)?;
            codec::encode_to(&convert::snapshot_head(meta, archived), &mut file)?;
            codec::encode_to(&SnapshotState(state), &mut file)?;
            Ok(file)
        };
        let file = write().map_err(|error| file::named("write", &path, &error))?;
        let mut current = self.lock();
        file::rename_durably(&file, &unfinished, &path)?;
        *current = Some(meta.clone());
        Ok(())
    }

    /// Makes bytes that came from another member the current snapshot, once the archive is there that goes with it, and
    /// returns its state. Blocks.
    pub(crate) fn install(&self, bytes: &SnapshotBytes, archive: &RunArchive) -> io::Result<Loaded> {
        let bytes = bytes.read_all()?;
        let loaded = decode(&bytes).map_err(io::Error::other)?;
        if !archive.stand_at(loaded.archived)? {
            return Err(io::Error::other("a snapshot came without the archive that goes with it"));
        }
        archive.files().sync()?;
        let _writing = self.writing();
        let mut current = self.lock();
        if is_newer(&loaded.meta, current.as_ref()) {
            file::write_durably(&self.current_path(), &bytes)?;
            *current = Some(loaded.meta.clone());
        }
        Ok(loaded)
    }

    /// A file to collect incoming bytes in; it has no name and goes when it is dropped.
    pub(crate) fn incoming(&self) -> io::Result<Incoming> {
        let path = self.path.join(format!("incoming.{:016x}", fastrand::u64(..)));
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        fs::remove_file(&path)?;
        Ok(Incoming(file))
    }

    fn remove_unfinished(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path != self.current_path() {
                file::remove_durably(&path)?;
            }
        }
        Ok(())
    }

    fn current_path(&self) -> PathBuf {
        self.path.join("current")
    }

    fn lock(&self) -> MutexGuard<'_, Option<SnapshotMeta>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A snapshot on its way in.
pub(crate) struct Incoming(File);

impl Incoming {
    /// Adds bytes at the end. Blocks.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut self.0, bytes)
    }

    /// All of it, with what its head says, and the archive that goes with it. Blocks.
    pub(crate) fn finish(self) -> io::Result<(RaftSnapshot, Mark)> {
        let bytes = SnapshotBytes(Arc::new(self.0));
        let loaded = decode(&bytes.read_all()?).map_err(io::Error::other)?;
        Ok((RaftSnapshot { meta: loaded.meta, snapshot: bytes }, loaded.archived))
    }
}

fn is_newer(meta: &SnapshotMeta, current: Option<&SnapshotMeta>) -> bool {
    current.is_none_or(|current| meta.last_log_id > current.last_log_id)
}

fn decode(bytes: &[u8]) -> Result<Loaded, codec::Error> {
    let (head, used) = codec::decode_first::<SnapshotHead>(bytes)?;
    let SnapshotState(mut state) = codec::decode(&bytes[used..])?;
    state.share();
    let archived = head.archived;
    let meta = convert::snapshot_meta(head)?;
    Ok(Loaded { meta, archived, state })
}
