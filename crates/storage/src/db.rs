//! Opens sled so that what it acknowledges is durable, and says in a sentence what is wrong when
//! it cannot.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use crate::ballast;
use crate::codec::Record;
use crate::file;
use crate::layout::{self, Prefix};
use crate::sync;
use crate::table::Table;

const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "{} is in use by another process: stop that one, or give this one a folder of its own", .0.display()
    )]
    Locked(PathBuf),
    /// There is no room to open it.
    #[error("the disk of {} is full: make room and start again, nothing is lost", .0.display())]
    Full(PathBuf),
    /// Its bytes are damaged.
    #[error(
        "{} cannot be read ({reason}): this member must not vote with a log it may have forgotten; \
         move the folder away and bring the member back under a new id", .folder.display()
    )]
    Unreadable {
        /// The database's folder.
        folder: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The program was built so that a flush does not sync.
    #[error(
        "a flush of {} did not reach the disk: this program was linked without its own \
         sync_file_range and would lose acknowledged data; build it as the repository does", .0.display()
    )]
    NotDurable(PathBuf),
    /// Something else that the file system said.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// An open database.
#[derive(Clone)]
pub struct Db {
    // Dropped before the lock: nobody else may open what sled still holds.
    sled: sled::Db,
    folder: PathBuf,
    _lock: Arc<File>,
}

impl Db {
    /// Opens or creates the database in `folder`, which it holds until it is dropped.
    ///
    /// # Errors
    /// As [`OpenError`]; the folder is never wiped.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        file::create_folder_durably(folder)?;
        let lock = lock(folder)?;
        remove_unfinished_settings(folder)?;
        ballast::create(folder)?;
        let sled = match open_sled(folder) {
            Err(OpenError::Full(_)) => {
                ballast::release(folder)?;
                open_sled(folder)?
            }
            other => other?,
        };
        let db = Self { sled, folder: folder.to_path_buf(), _lock: Arc::new(lock) };
        db.sync_names()?;
        db.prove_durable()?;
        ballast::create(folder)?;
        Ok(db)
    }

    /// A table in it.
    pub fn table<R: Record>(&self, prefix: Prefix) -> Table<R> {
        let tree: &sled::Tree = &self.sled;
        Table::new(tree.clone(), prefix)
    }

    /// Makes everything that was put durable. Blocks; a failed flush must not be retried.
    ///
    /// # Errors
    /// Those of the disk, once and for all later calls.
    pub fn flush(&self) -> io::Result<()> {
        self.sled.flush()?;
        Ok(())
    }

    /// Fails if sled has put a value into a file of its own, which it never syncs.
    ///
    /// # Errors
    /// Names the folder.
    pub fn check_blobs(&self) -> io::Result<()> {
        let blobs = self.folder.join("blobs");
        match fs::read_dir(&blobs)?.next() {
            None => Ok(()),
            Some(_) => Err(io::Error::other(format!(
                "{} is not empty: a value was too large to be made durable",
                blobs.display()
            ))),
        }
    }

    /// Bytes on disk of the database's main file.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn size_bytes(&self) -> io::Result<u64> {
        Ok(fs::metadata(self.folder.join("db"))?.len())
    }

    /// sled creates files and folders, and syncs the names of none.
    fn sync_names(&self) -> io::Result<()> {
        for name in ["conf", "db"] {
            file::sync_file(&self.folder.join(name))?;
        }
        file::sync_folder(&self.folder.join("blobs"))?;
        file::create_folder_durably(&self.folder)
    }

    fn prove_durable(&self) -> Result<(), OpenError> {
        let before = sync::calls();
        let key = layout::key(Prefix::Marker, 0, 0);
        let last = self.sled.get(key).map_err(io_of)?;
        let opened = last.and_then(|bytes| bytes.as_ref().try_into().ok()).map_or(0, u64::from_le_bytes);
        // Another value each time: sled writes nothing when it finds the same, and proves nothing.
        self.sled.insert(key, &opened.wrapping_add(1).to_le_bytes()).map_err(io_of)?;
        self.flush()?;
        if sync::calls() == before {
            return Err(OpenError::NotDurable(self.folder.clone()));
        }
        Ok(())
    }
}

/// A lock of our own, taken before anything in the folder is touched.
fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(|error| file::named("create", &path, &error))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::Locked(folder.to_path_buf())),
        Err(error) => Err(file::named("lock", &path, &error.into()).into()),
    }
}

/// Opens, and waits a little for sled's own lock: after a close in the same process its
/// threads may hold it for a moment longer than ours.
fn open_sled(folder: &Path) -> Result<sled::Db, OpenError> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        match try_open_sled(folder) {
            Err(OpenError::Locked(_)) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

fn try_open_sled(folder: &Path) -> Result<sled::Db, OpenError> {
    remove_unfinished_snapshots(folder)?;
    let config = sled::Config::default().path(folder).cache_capacity(CACHE_BYTES).flush_every_ms(None);
    // sled panics on many a damaged file; this program says a sentence instead.
    match catch_unwind(AssertUnwindSafe(|| config.open())) {
        Ok(Ok(sled)) => Ok(sled),
        Ok(Err(error)) => Err(explain(folder, error)),
        Err(_) => Err(OpenError::Unreadable {
            folder: folder.to_path_buf(),
            reason: "the database broke off while opening it".into(),
        }),
    }
}

fn explain(folder: &Path, error: sled::Error) -> OpenError {
    let folder = folder.to_path_buf();
    match error {
        sled::Error::Io(error) => match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenError::Full(folder),
            // sled wraps the refusal of its lock into an error of kind `Other`.
            _ if error.to_string().contains("could not acquire lock") => OpenError::Locked(folder),
            _ => OpenError::Io(file::named("open", &folder, &error)),
        },
        other => OpenError::Unreadable { folder, reason: other.to_string() },
    }
}

/// sled writes its settings before it makes the database, in place: a first start that died between the two leaves what no
/// later one could read, and nothing that they would be needed for.
fn remove_unfinished_settings(folder: &Path) -> io::Result<()> {
    match fs::metadata(folder.join("db")) {
        Ok(db) if db.len() > 0 => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => file::remove_durably(&folder.join("conf")),
    }
}

/// sled writes `snap.*.generating` and renames it; one left by a crash or a full disk makes
/// every later open fail, because its own filter looks for another suffix.
fn remove_unfinished_snapshots(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            file::remove_durably(&path)?;
        }
    }
    Ok(())
}

fn io_of(error: sled::Error) -> io::Error {
    error.into()
}
