//! The engine's state on this member, and the one place that changes it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use baton_engine::run::Run;
use baton_engine::{Batch, Reply, State};
use baton_storage::archive::Mark;
use futures::{Stream, StreamExt};
use openraft::storage::{EntryResponder, RaftStateMachine, Snapshot};
use openraft::{EntryPayload, OptionalSend, RaftSnapshotBuilder};
use tokio::sync::watch;

use super::archive::RunArchive;
use super::snapshot::{Loaded, SnapshotBytes, SnapshotFolder};
use super::types::*;
use crate::apart::apart;
use crate::surroundings::Witness;

/// The state that the log has led to so far, and the archive of what came to rest on the way.
pub struct Machine {
    state: RwLock<State>,
    archive: RunArchive,
    applied: watch::Sender<u64>,
    applied_at: RwLock<Instant>,
    watched: Mutex<BTreeMap<Watched, watch::Sender<u64>>>,
}

impl Machine {
    fn new(state: State, archive: RunArchive, applied: u64) -> Self {
        Self {
            state: RwLock::new(state),
            archive,
            applied: watch::Sender::new(applied),
            applied_at: RwLock::new(Instant::now()),
            watched: Mutex::default(),
        }
    }

    /// Looks at the state. Nothing is applied meanwhile: be brief.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at a run, which may be in the archive; as [`Machine::read`]. `None` where there is none. Blocks.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn read_run<T>(&self, id: &str, look: impl FnOnce(&State, &Run) -> T) -> io::Result<Option<T>> {
        let seen = self.read(|state| match state.runs.get(id) {
            Some(run) => Ok(look(state, run)),
            None => Err((look, self.archive.find(id))),
        });
        match seen {
            Ok(seen) => Ok(Some(seen)),
            Err((_, None)) => Ok(None),
            Err((look, Some((_, row)))) => {
                let run = self.archive.run(row.count)?;
                Ok(Some(self.read(|state| look(state, &run))))
            }
        }
    }

    /// The archive of runs at rest.
    pub(crate) fn archive(&self) -> &RunArchive {
        &self.archive
    }

    /// The index of the last applied entry, and when it changes.
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    /// Wakes whoever looks at one of many, and only when that one has changed.
    pub(crate) fn watch(self: &Arc<Self>, what: Watched) -> Watch {
        let mut watched = self.watched();
        let sender = watched.entry(what.clone()).or_insert_with(|| watch::Sender::new(0));
        Watch { changes: Some(sender.subscribe()), machine: Arc::clone(self), what }
    }

    fn watched(&self) -> MutexGuard<'_, BTreeMap<Watched, watch::Sender<u64>>> {
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
                let runs = state.touched.0.iter().cloned().map(Watched::Run);
                let agents = state.agents.touched.0.iter().cloned().map(Watched::Agent);
                let told = runs.chain(agents).filter_map(|what| watched.get(&what));
                told.for_each(|sender| _ = sender.send_replace(index));
            });
        }
    }

    fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What can be watched: there may be thousands of each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Watched {
    /// A run, by its id.
    Run(String),
    /// What an agent should be doing, by its name.
    Agent(String),
}

/// One who watches.
pub(crate) struct Watch {
    // `None` only while it is dropped.
    changes: Option<watch::Receiver<u64>>,
    machine: Arc<Machine>,
    what: Watched,
}

impl Watch {
    /// Returns once it has changed since the last call.
    pub(crate) async fn changed(&mut self) {
        match &mut self.changes {
            // The sender lives for as long as anybody watches.
            Some(changes) => drop(changes.changed().await),
            None => std::future::pending().await,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.changes.take());
        let mut watched = self.machine.watched();
        if watched.get(&self.what).is_some_and(|sender| sender.receiver_count() == 0) {
            watched.remove(&self.what);
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
    /// A machine that stands where the current snapshot does. Blocks.
    ///
    /// # Errors
    /// Those of the archive.
    pub(crate) fn new(
        snapshots: SnapshotFolder,
        archive: RunArchive,
        loaded: Option<Loaded>,
        witness: Option<Witness>,
    ) -> io::Result<(Self, Arc<Machine>)> {
        let (state, meta) = match loaded {
            Some(loaded) => (loaded.state, loaded.meta),
            None => (State::default(), SnapshotMeta::default()),
        };
        let applied = meta.last_log_id.map_or(0, |last| last.index);
        let machine = Arc::new(Machine::new(state, archive, applied));
        let store = Self {
            machine: Arc::clone(&machine),
            last: meta.last_log_id,
            membership: meta.last_membership,
            snapshots,
            witness,
        };
        // A snapshot of a version that knew no archive, and a state that was restored, hold them still.
        let at_rest = machine.read(State::at_rest);
        store.archive(&at_rest, &BTreeMap::new())?;
        Ok((store, machine))
    }

    fn apply_one(&mut self, entry: Entry) -> io::Result<Vec<Reply>> {
        let index = entry.log_id.index;
        let replies = match entry.payload {
            EntryPayload::Blank => {
                self.show(index, None);
                Vec::new()
            }
            EntryPayload::Normal(Proposal(batch)) => self.apply_batch(index, &batch)?,
            EntryPayload::Membership(membership) => {
                self.membership = StoredMembership::new(Some(entry.log_id), membership);
                self.show(index, None);
                Vec::new()
            }
        };
        self.last = Some(entry.log_id);
        // After the state: who sees the index sees what it did.
        self.machine.applied.send_replace(index);
        self.machine.tell_watchers(index);
        Ok(replies)
    }

    /// Runs that the batch names come back out of the archive; those that it leaves at rest go there.
    #[tracing::instrument(target = "stage", name = "apply", level = "debug", skip(self, batch))]
    fn apply_batch(&mut self, index: u64, batch: &Batch) -> io::Result<Vec<Reply>> {
        let machine = &self.machine;
        let absent = machine.read(|state| state.absent(batch));
        let loaded = absent.into_iter().filter_map(|id| machine.archive.load(id).transpose());
        let loaded: Vec<_> = loaded.collect::<io::Result<_>>()?;
        let replies = machine.write(|state| {
            loaded.iter().for_each(|run| state.put_back(Arc::clone(run)));
            state.apply(index, batch)
        });
        *machine.applied_at.write().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.show(index, Some(batch));
        let at_rest = machine.read(|state| state.came_to_rest(batch));
        let loaded = loaded.into_iter().map(|run| (run.id.clone(), run)).collect();
        self.archive(&at_rest, &loaded)?;
        Ok(replies)
    }

    /// Puts runs into the archive, unless they are as they came out of it, and then takes them out of the state: whoever
    /// reads finds them in one place at least.
    fn archive(&self, at_rest: &[Arc<Run>], loaded: &BTreeMap<String, Arc<Run>>) -> io::Result<()> {
        for run in at_rest.iter().filter(|run| loaded.get(&run.id) != Some(*run)) {
            let summary = self.machine.read(|state| run.summary(&state.plans));
            self.machine.archive.add(run, summary)?;
        }
        if !at_rest.is_empty() {
            self.machine.write(|state| at_rest.iter().for_each(|run| state.take_out(run)));
        }
        Ok(())
    }

    fn show(&self, index: u64, batch: Option<&Batch>) {
        if let Some(witness) = &self.witness {
            self.machine.read(|state| witness(index, batch, state));
        }
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
            let replies = self.apply_one(entry)?;
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
            archived: self.machine.archive.files().mark(),
            machine: Arc::clone(&self.machine),
            meta: SnapshotMeta { last_log_id: self.last, last_membership: self.membership.clone() },
            snapshots: self.snapshots.clone(),
        }
    }

    async fn install_snapshot(&mut self, meta: &SnapshotMeta, bytes: SnapshotBytes) -> io::Result<()> {
        let (snapshots, machine) = (self.snapshots.clone(), Arc::clone(&self.machine));
        let loaded = blocking(move || snapshots.install(&bytes, &machine.archive)).await?;
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
    /// How far the archive reaches that goes with it.
    archived: Mark,
    machine: Arc<Machine>,
    meta: SnapshotMeta,
    snapshots: SnapshotFolder,
}

impl RaftSnapshotBuilder<Types> for Builder {
    type SnapshotData = SnapshotBytes;

    async fn build_snapshot(&mut self) -> io::Result<RaftSnapshot> {
        let state = std::mem::take(&mut self.state);
        let (meta, archived) = (self.meta.clone(), self.archived);
        let (snapshots, machine) = (self.snapshots.clone(), Arc::clone(&self.machine));
        blocking(move || {
            machine.archive.files().sync()?;
            snapshots.write(&meta, archived, state)?;
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
