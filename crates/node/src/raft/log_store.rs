//! Raft's log as openraft asks for it: durable in [`baton_storage::log`], and in memory since the
//! last purge, so that nothing is read from disk while the cluster runs.

use std::fmt::Debug;
use std::io;
use std::ops::RangeBounds;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use baton_storage::codec;
use baton_storage::hard_state::Identity;
use baton_storage::log::{Log, LogDisk, OnFailure, Recovered};
use baton_storage::sabotage::{self, Bug};
use openraft::storage::{IOFlushed, RaftLogStorage};
use openraft::{EntryPayload, LogState, OptionalSend, RaftLogReader};
use tokio::sync::oneshot;

use super::convert;
use super::log_cache::LogCache;
use super::state_machine::blocking;
use super::types::*;
use crate::apart::apart;

/// Entries are sent to a follower in messages of about this many bytes.
const MESSAGE_BYTES: usize = 1024 * 1024;

/// The log; a clone is another handle to the same one.
#[derive(Clone)]
pub(crate) struct LogStore {
    log: Arc<dyn LogDisk>,
    cache: Arc<RwLock<Cache>>,
}

/// What the log held when it was opened, apart from the entries.
pub(crate) struct Opened {
    pub(crate) store: LogStore,
    pub(crate) identity: Identity,
    pub(crate) cluster: String,
    pub(crate) purged: Option<LogId>,
}

#[derive(Default)]
struct Cache {
    entries: LogCache,
    purged: Option<LogId>,
    vote: Option<Vote>,
    committed: Option<LogId>,
}

impl LogStore {
    /// Opens the log of member `node`. Blocks.
    ///
    /// # Errors
    /// As [`Log::open`], or an entry that cannot be understood.
    pub(crate) fn open(folder: &Path, node: u64, failure: OnFailure) -> anyhow::Result<Opened> {
        let (log, found) = Log::open(folder, node, failure)?;
        Self::over(Arc::new(log), found)
    }

    /// The log on this disk, with what was found there.
    ///
    /// # Errors
    /// An entry that cannot be understood.
    pub(crate) fn over(log: Arc<dyn LogDisk>, found: Recovered) -> anyhow::Result<Opened> {
        if found.dropped > 0 {
            tracing::info!(
                entries = found.dropped,
                "the log's end was half written when the process ended; nobody had been told of it"
            );
        }
        let Recovered { identity, cluster, vote, committed, purged, entries, .. } = found;
        let mut cache = Cache {
            purged: purged.map(convert::log_id),
            vote: vote.map(convert::vote),
            committed: committed.map(convert::log_id),
            ..Cache::default()
        };
        for (at, body) in entries {
            cache.entries.found(at, body)?;
        }
        Ok(Opened {
            identity,
            cluster,
            purged: cache.purged,
            store: Self { log, cache: Arc::new(RwLock::new(cache)) },
        })
    }

    /// Every entry after `index`.
    ///
    /// # Errors
    /// An entry that cannot be understood any more.
    pub(crate) fn entries_after(&self, index: Option<u64>) -> io::Result<Vec<Entry>> {
        let first = index.map_or(0, |index| index + 1);
        self.read().entries.range(first..)
    }

    /// The log on disk.
    pub(crate) fn log(&self) -> &Arc<dyn LogDisk> {
        &self.log
    }

    /// The newest membership among the entries.
    pub(crate) fn membership(&self) -> Option<Membership> {
        let cache = self.read();
        let mut payloads = cache.entries.newest_first().filter_map(|entry| Some(entry.ok()?.payload));
        payloads.find_map(|payload| match payload {
            EntryPayload::Membership(membership) => Some(membership),
            _ => None,
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, Cache> {
        self.cache.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Cache> {
        self.cache.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> io::Result<Vec<Entry>> {
        self.read().entries.range(range)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<Entry>> {
        self.read().entries.first_of(start..end, MESSAGE_BYTES)
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        Ok(self.read().vote)
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<Types>> {
        let cache = self.read();
        let last = cache.entries.last();
        Ok(LogState { last_purged_log_id: cache.purged, last_log_id: last.or(cache.purged) })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        let (answer, answered) = oneshot::channel();
        let done = Box::new(move |result| {
            // Raft waits below; if it is gone, it needs no answer.
            let _ = answer.send(result);
        });
        self.log.save_vote(convert::vote_record(vote), done)?;
        answered.await.map_err(io::Error::other)??;
        self.write().vote = Some(*vote);
        Ok(())
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.log.note_committed(committed.map(convert::position));
        self.write().committed = committed;
        Ok(())
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        Ok(self.read().committed)
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let stage = tracing::debug_span!(target: "stage", "append", through = tracing::field::Empty);
        let _appending = stage.enter();
        let mut bodies = Vec::new();
        {
            // Readable before it is durable: a follower's flush overlaps the leader's.
            let mut cache = self.write();
            for entry in entries {
                let body = codec::encode(&convert::payload(&entry));
                let at = convert::position(entry.log_id);
                cache.entries.add(entry, body.as_slice().into());
                bodies.push((at, body));
            }
        }
        stage.record("through", bodies.last().map(|(at, _)| at.index));
        if sabotage::planted(Bug::EarlyAppendAck) {
            callback.io_completed(Ok(()));
            return self.log.append(bodies, Box::new(drop));
        }
        let done = Box::new(move |result| callback.io_completed(result));
        self.log.append(bodies, done)
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        let log = Arc::clone(&self.log);
        let after = last.map(convert::position);
        let first = after.map_or(0, |at| at.index + 1);
        blocking(move || log.truncate_after(after)).await?;
        self.write().entries.truncate(first);
        Ok(())
    }

    async fn purge(&mut self, through: LogId) -> io::Result<()> {
        self.log.purge(convert::position(through))?;
        let mut cache = self.write();
        cache.purged = Some(through);
        let given_up = cache.entries.purge(through.index + 1);
        drop(cache);
        // Thousands of entries take a moment to free, which raft's own task does not have.
        drop(apart(move || drop(given_up)));
        Ok(())
    }
}
