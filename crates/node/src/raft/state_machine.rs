//! The engine's state on this member, and the one place that changes it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use baton_engine::{Reply, State};
use futures::{Stream, StreamExt};
use openraft::storage::{EntryResponder, RaftStateMachine, Snapshot};
use openraft::{EntryPayload, OptionalSend, RaftSnapshotBuilder};
use tokio::sync::watch;

use super::snapshot::{SnapshotBytes, SnapshotFolder};
use super::types::*;
use crate::apart::apart;
use crate::surroundings::Witness;

/// The state that the log has led to so far.
pub struct Machine {
    state: RwLock<State>,
    applied: watch::Sender<u64>,
    applied_at: RwLock<Instant>,
    /// Runs that somebody watches, by id.
    watched: Mutex<BTreeMap<String, watch::Sender<u64>>>,
}

impl Machine {
    fn new(state: State, applied: u64) -> Self {
        Self {
            state: RwLock::new(state),
            applied: watch::Sender::new(applied),
            applied_at: RwLock::new(Instant::now()),
            watched: Mutex::default(),
        }
    }

    /// Looks at the state. Nothing is applied meanwhile: be brief.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The index of the last applied entry, and when it changes.
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    /// Wakes whoever looks at one run, and only when that run has changed: thousands may be under way at once.
    pub(crate) fn watch(self: &Arc<Self>, run: &str) -> RunWatch {
        let mut watched = self.watched();
        let sender = watched.entry(run.to_owned()).or_insert_with(|| watch::Sender::new(0));
        RunWatch { changes: Some(sender.subscribe()), machine: Arc::clone(self), run: run.to_owned() }
    }

    fn watched(&self) -> MutexGuard<'_, BTreeMap<String, watch::Sender<u64>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cluster time now, milliseconds, as far as this member can tell: the newest stamp, and what its
    /// own monotonic clock has counted since that was applied here. A leader goes on from there, so
    /// that the time without a leader counts too.
    pub fn time_ms(&self) -> u64 {
        let since = self.applied_at.read().unwrap_or_else(PoisonError::into_inner).elapsed();
        let stamp_ms = self.read(|state| state.stamp.time_ms);
        stamp_ms.saturating_add(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// Of the entry that was applied last.
    fn tell_watchers(&self, index: u64) {
        let watched = self.watched();
        if !watched.is_empty() {
            self.read(|state| {
                let told = state.touched.0.iter().filter_map(|run| watched.get(run));
                told.for_each(|sender| _ = sender.send_replace(index));
            });
        }
    }

    fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One who watches a run.
pub(crate) struct RunWatch {
    // `None` only while it is dropped.
    changes: Option<watch::Receiver<u64>>,
    machine: Arc<Machine>,
    run: String,
}

impl RunWatch {
    /// Returns once the run has changed since the last call.
    pub(crate) async fn changed(&mut self) {
        match &mut self.changes {
            // The sender lives for as long as anybody watches.
            Some(changes) => drop(changes.changed().await),
            None => std::future::pending().await,
        }
    }
}

impl Drop for RunWatch {
    fn drop(&mut self) {
        drop(self.changes.take());
        let mut watched = self.machine.watched();
        if watched.get(&self.run).is_some_and(|sender| sender.receiver_count() == 0) {
            watched.remove(&self.run);
        }
    }
}

/// The machine as openraft drives it.
pub(crate) struct MachineStore {
    machine: Arc<Machine>,
    last: Option<LogId>,
    membership: StoredMembership,
    snapshots: SnapshotFolder,
    witness: Option<Witness>,
}

impl MachineStore {
    /// A machine that stands where the current snapshot does.
    pub(crate) fn new(
        snapshots: SnapshotFolder,
        loaded: Option<super::snapshot::Loaded>,
        witness: Option<Witness>,
    ) -> (Self, Arc<Machine>) {
        let (state, meta) = match loaded {
            Some(loaded) => (loaded.state, loaded.meta),
            None => (State::default(), SnapshotMeta::default()),
        };
        let applied = meta.last_log_id.map_or(0, |last| last.index);
        let machine = Arc::new(Machine::new(state, applied));
        let store = Self {
            machine: Arc::clone(&machine),
            last: meta.last_log_id,
            membership: meta.last_membership,
            snapshots,
            witness,
        };
        (store, machine)
    }

    fn apply_one(&mut self, entry: Entry) -> Vec<Reply> {
        let index = entry.log_id.index;
        let mut carried = None;
        let replies = match entry.payload {
            EntryPayload::Blank => Vec::new(),
            EntryPayload::Normal(Proposal(batch)) => {
                let replies = self.machine.write(|state| state.apply(index, &batch));
                *self.machine.applied_at.write().unwrap_or_else(PoisonError::into_inner) = Instant::now();
                carried = Some(batch);
                replies
            }
            EntryPayload::Membership(membership) => {
                self.membership = StoredMembership::new(Some(entry.log_id), membership);
                Vec::new()
            }
        };
        self.last = Some(entry.log_id);
        if let Some(witness) = &self.witness {
            self.machine.read(|state| witness(index, carried.as_deref(), state));
        }
        // After the state: who sees the index sees what it did.
        self.machine.applied.send_replace(index);
        self.machine.tell_watchers(index);
        replies
    }
}

impl RaftStateMachine<Types> for MachineStore {
    type SnapshotData = SnapshotBytes;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        Ok((self.last, self.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<Types>>> + Unpin + OptionalSend,
    {
        while let Some(next) = entries.next().await {
            let (entry, responder) = next?;
            let replies = self.apply_one(entry);
            if let Some(responder) = responder {
                responder.send(replies);
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder {
            // Shares all that does not change while the snapshot is written.
            state: self.machine.read(State::clone),
            meta: SnapshotMeta { last_log_id: self.last, last_membership: self.membership.clone() },
            snapshots: self.snapshots.clone(),
        }
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, bytes: SnapshotBytes) -> io::Result<()> {
        let snapshots = self.snapshots.clone();
        let loaded = blocking(move || snapshots.install(&bytes)).await?;
        self.last = meta.last_log_id;
        self.membership = meta.last_membership.clone();
        self.machine.write(|state| *state = loaded.state);
        let applied = meta.last_log_id.map_or(0, |last| last.index);
        tracing::info!(applied, "caught up by a snapshot");
        self.machine.applied.send_replace(applied);
        self.machine.watched().values().for_each(|sender| _ = sender.send_replace(applied));
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<RaftSnapshot>> {
        let current = self.snapshots.current()?;
        Ok(current.map(|(meta, snapshot)| Snapshot { meta, snapshot }))
    }
}

/// Writes one snapshot, away from the task that applies.
pub(crate) struct Builder {
    state: State,
    meta: SnapshotMeta,
    snapshots: SnapshotFolder,
}

impl RaftSnapshotBuilder<Types> for Builder {
    type SnapshotData = SnapshotBytes;

    async fn build_snapshot(&mut self) -> io::Result<RaftSnapshot> {
        let state = std::mem::take(&mut self.state);
        let meta = self.meta.clone();
        let snapshots = self.snapshots.clone();
        blocking(move || {
            snapshots.write(&meta, state)?;
            let (meta, snapshot) = snapshots
                .current()?
                .ok_or_else(|| io::Error::other("the snapshot that was just written is gone"))?;
            Ok(Snapshot { meta, snapshot })
        })
        .await
    }
}

/// Runs what waits for the disk on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    apart(call).await.map_err(io::Error::other)?
}
