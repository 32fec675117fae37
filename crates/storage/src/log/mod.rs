//! Raft's log and vote on disk: entries in order, chained by checksum, and made durable many at
//! a time. Writing an entry puts it into the database's memory; one thread flushes for all that
//! wait, writes the hard state, and only then answers them, in order.

mod disk;
mod fault;
mod flusher;
mod records;
mod recover;
mod sweeper;
mod watchdog;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use crate::ballast;
use crate::db::Db;
use crate::hard_state::Identity;
use crate::layout::Prefix;
use crate::position::{Position, Reach, Vote};
use crate::table::{self, Table};

use flusher::{Ask, Flusher};
use records::{Entry, PURGED, Purged, VOTE};
use sweeper::Sweeper;

pub use disk::LogDisk;
pub use fault::OpenError;

/// Told once what was not durable; called on the flusher's thread.
pub type Done = Box<dyn FnOnce(io::Result<()>) + Send>;

/// Called when a write or a sync failed: what is on disk is no longer known, and the process must
/// end instead of trying again.
pub type OnFailure = Arc<dyn Fn(&io::Error) + Send + Sync>;

/// What was there when the log was opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Who this member is.
    pub identity: Identity,
    /// The cluster's id; empty before the first start.
    pub cluster: String,
    /// The last vote.
    pub vote: Option<Vote>,
    /// An entry known to be committed, if any.
    pub committed: Option<Position>,
    /// The last entry that was purged: a snapshot holds it.
    pub purged: Option<Position>,
    /// Everything after it.
    pub entries: Vec<(Position, Vec<u8>)>,
    /// Entries that a crash left half written at the end, and that nobody was told of.
    pub dropped: usize,
}

/// What the next hard state will say.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    vote: Option<Vote>,
    last: Option<Position>,
    chain: u32,
    committed: Option<Position>,
}

/// The open log. Entries and votes are one sequence: whoever writes, writes from one thread.
pub struct Log {
    db: Db,
    folder: PathBuf,
    entries: Table<Entry>,
    mark: Mutex<Mark>,
    on_failure: OnFailure,
    flusher: Flusher,
    sweeper: Sweeper,
    reached: Arc<Reached>,
}

/// How far the data on disk reaches, as of the last sync; never more than the disk holds.
#[derive(Debug, Default)]
pub struct Reached(Mutex<Reach>);

impl Reached {
    /// Now.
    pub fn get(&self) -> Reach {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As of this sync.
    pub fn set(&self, vote: Option<Vote>, last: Option<Position>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Reach::of(vote, last);
    }
}

impl Log {
    /// Opens or creates the log of member `node` in `folder`.
    ///
    /// # Errors
    /// As [`OpenError`], above all when the data is damaged or went back in time: the member must
    /// then not serve.
    pub fn open(folder: &Path, node: u64, on_failure: OnFailure) -> Result<(Self, Recovered), OpenError> {
        let found = recover::recover(folder, node)?;
        let reached = Arc::new(Reached::default());
        // As far as the database does: the hard state may be a moment behind it.
        reached.set(found.mark.vote, found.mark.last);
        let flusher = Flusher::start(
            found.db.clone(),
            found.file,
            found.state,
            Arc::clone(&reached),
            on_failure.clone(),
        )?;
        let sweeper = Sweeper::start(found.db.table(Prefix::Log), on_failure.clone())?;
        if let Some(purged) = found.recovered.purged {
            // A crash may have left some of what was purged.
            sweeper.sweep(purged.index);
        }
        let log = Self {
            entries: found.db.table(Prefix::Log),
            db: found.db,
            folder: folder.to_path_buf(),
            mark: Mutex::new(found.mark),
            on_failure,
            flusher,
            sweeper,
            reached,
        };
        Ok((log, found.recovered))
    }

    /// Bytes that the database takes up.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn size_bytes(&self) -> io::Result<u64> {
        self.db.check_blobs()?;
        self.db.size_bytes()
    }

    /// The log's end and its chain's value if `at` were the last entry: that entry, or the point
    /// where the log was purged, if it begins behind `at`.
    fn end_at(&self, at: Option<Position>) -> io::Result<(Option<Position>, u32)> {
        if let Some(position) = at
            && let Some(entry) = self.entries.get(position.index).map_err(io_of)?
        {
            return Ok((at, entry.chain));
        }
        let purges: Table<Purged> = self.db.table(Prefix::Head);
        let purged = purges.get(PURGED).map_err(io_of)?;
        Ok(purged.map_or((None, 0), |p| (Some(p.position), p.chain)))
    }

    fn watched<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| (self.on_failure)(error))
    }

    fn mark(&self) -> MutexGuard<'_, Mark> {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogDisk for Log {
    fn append(&self, entries: Vec<(Position, Vec<u8>)>, done: Done) -> io::Result<()> {
        let mut mark = self.mark();
        for (position, body) in entries {
            let entry = Entry::chained(mark.chain, position, body);
            check_order(mark.last, position)?;
            self.watched(self.entries.put(position.index, &entry))?;
            mark.chain = entry.chain;
            mark.last = Some(position);
        }
        self.flusher.ask(Ask::Mark(*mark, done))
    }

    fn save_vote(&self, vote: Vote, done: Done) -> io::Result<()> {
        let mut mark = self.mark();
        let votes: Table<Vote> = self.db.table(Prefix::Head);
        self.watched(votes.put(VOTE, &vote))?;
        mark.vote = Some(vote);
        self.flusher.ask(Ask::Mark(*mark, done))
    }

    fn note_committed(&self, committed: Option<Position>) {
        self.mark().committed = committed;
    }

    fn join_cluster(&self, cluster: &str) -> io::Result<()> {
        wait(|done| self.flusher.ask(Ask::Cluster(cluster.to_owned(), done)))
    }

    fn truncate_after(&self, after: Option<Position>) -> io::Result<()> {
        let mut mark = self.mark();
        let Some(last) = mark.last else {
            return Ok(());
        };
        let first = after.map_or(0, |position| position.index + 1);
        if last.index < first {
            return Ok(());
        }
        (mark.last, mark.chain) = self.end_at(after)?;
        // The hard state goes first: it must never speak of more than the database holds.
        wait(|done| self.flusher.ask(Ask::Mark(*mark, done)))?;
        for index in (first..=last.index).rev() {
            self.watched(self.entries.remove(index))?;
        }
        Ok(())
    }

    fn purge(&self, through: Position) -> io::Result<()> {
        let mut mark = self.mark();
        let purges: Table<Purged> = self.db.table(Prefix::Head);
        let purged = purges.get(PURGED).map_err(io_of)?;
        if purged.is_some_and(|purged| purged.position.index >= through.index) {
            return Ok(());
        }
        let beyond = mark.last.is_none_or(|last| last.index < through.index);
        let chain = match beyond {
            true => records::chain_start(through),
            false => self.end_at(Some(through))?.1,
        };
        let position = through;
        self.watched(purges.put(PURGED, &Purged { position, chain }))?;
        if beyond {
            mark.last = Some(through);
            mark.chain = chain;
        }
        self.sweeper.sweep(through.index);
        Ok(())
    }

    fn reached(&self) -> Arc<Reached> {
        Arc::clone(&self.reached)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        ballast::free_bytes(&self.folder)
    }
}

fn check_order(last: Option<Position>, next: Position) -> io::Result<()> {
    // The first entry of a log may have any index: a snapshot may stand before it.
    match last {
        Some(last) if next.index != last.index + 1 => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("the entry {next} does not follow the entry {last}"),
        )),
        _ => Ok(()),
    }
}

/// Asks the flusher and waits for its answer.
fn wait(ask: impl FnOnce(Done) -> io::Result<()>) -> io::Result<()> {
    let (answer, answered) = mpsc::sync_channel(1);
    ask(Box::new(move |result| {
        // The one who asked is waiting below; if it is gone, nobody needs the answer.
        let _ = answer.send(result);
    }))?;
    answered.recv().unwrap_or_else(|_| Err(closed()))
}

fn closed() -> io::Error {
    io::Error::other("the log is closed")
}

fn io_of(error: table::Error) -> io::Error {
    match error {
        table::Error::Io(error) => error,
        error => io::Error::new(io::ErrorKind::InvalidData, error.to_string()),
    }
}

/// Sixteen random bytes in hexadecimal: an incarnation or a cluster's id.
///
/// # Errors
/// If the system has no random source.
pub fn random_id() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Reads bytes as each of the log's records.
#[cfg(fuzzing)]
pub(crate) fn read_records(bytes: &[u8]) {
    use crate::doors::read;
    read::<records::Entry>(bytes);
    read::<records::Purged>(bytes);
    read::<crate::position::Vote>(bytes);
}
