//! Opens a member's data and starts raft from it, or says why it must not be gone on from.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use openraft::SnapshotPolicy;

use super::acknowledged::Acknowledged;
use super::archive::RunArchive;
use super::cluster::{Cluster, Inner};
use super::leadership::{self, end};
use super::log_store::{LogStore, Opened};
use super::network::Network;
use super::peers::Peers;
use super::set_back;
use super::snapshot::{Loaded, SnapshotFolder};
use super::standing::Standing;
use super::state_machine::MachineStore;
use super::types::*;
use crate::apart::apart;
use crate::config::Config;
use crate::surroundings::{OpenLog, Surroundings};

/// A leader whose quorum has not answered for this long falls silent.
const QUORUM_LOSS_MS: u64 = 3000;

impl Cluster {
    /// Opens the data and starts raft. Does not listen: [`Cluster::peer_service`] has to be served,
    /// and [`Cluster::form`] called, before anything happens.
    ///
    /// # Errors
    /// A sentence about data that cannot be gone on from, or a configuration that cannot be.
    pub async fn open(config: Arc<Config>, surroundings: Surroundings) -> anyhow::Result<Self> {
        config.check()?;
        let Surroundings { open_log, connect, witness } = surroundings;
        let data = config.data_dir.clone();
        let id = config.id;
        let open = move || open_data(&data, id, &open_log);
        let (opened, snapshots, loaded, archive) = apart(open).await??;
        let log = Arc::clone(opened.store.log());
        let standing = Arc::new(Standing::new(opened.identity, opened.cluster, log.reached()));
        let peers = Peers::over(connect);
        let of_snapshot = || Some(loaded.as_ref()?.meta.last_membership.membership().clone());
        let members = opened.store.membership().or_else(of_snapshot).unwrap_or_default();
        set_back::check(&config.data_dir, &members, &standing, &peers).await?;
        let network = Network {
            standing: Arc::clone(&standing),
            peers: peers.clone(),
            acknowledged: Acknowledged::default(),
        };
        let folder = snapshots.clone();
        let made = apart(move || MachineStore::new(folder, archive, loaded, witness)).await?;
        let (store, machine) = made.context("the archive of ended runs cannot be written")?;
        let raft = Raft::new(id, raft_config(&config)?, network, opened.store, store)
            .await
            .context("raft cannot start from this member's data")?;
        let leadership = leadership::follow(&raft);
        let cluster = Self(Arc::new(Inner {
            config,
            standing,
            raft,
            log,
            machine,
            snapshots,
            peers,
            leadership,
            short_of_room: AtomicBool::new(false),
            started: std::time::Instant::now(),
            changing: tokio::sync::Mutex::default(),
        }));
        cluster.watch_room();
        Ok(cluster)
    }
}

type Data = (Opened, SnapshotFolder, Option<Loaded>, RunArchive);

fn open_data(data: &Path, id: u64, open_log: &OpenLog) -> anyhow::Result<Data> {
    let failure = Arc::new(|error: &io::Error| {
        end(&format!(
            "a write to the disk failed ({error}). What is on it is not known now, so nothing more is \
             acknowledged: mend the disk and start again"
        ));
    });
    let (log, found) = open_log(data, id, failure)?;
    let opened = LogStore::over(log, found)?;
    let (snapshots, loaded) = SnapshotFolder::open(&data.join("snapshots"))?;
    let held = loaded.as_ref().and_then(|loaded| loaded.meta.last_log_id);
    if opened.purged > held {
        anyhow::bail!(
            "{}: the log begins behind a snapshot that is not there. This member's data is damaged: move \
             the folder away and bring the member back under a new id",
            data.display()
        );
    }
    let archived = loaded.as_ref().map(|loaded| loaded.archived).unwrap_or_default();
    let archive = RunArchive::open(&data.join("archive"), archived)?;
    Ok((opened, snapshots, loaded, archive))
}

fn raft_config(config: &Config) -> anyhow::Result<Arc<openraft::Config>> {
    let raft = openraft::Config {
        cluster_name: "baton".into(),
        heartbeat_interval: config.heartbeat_ms,
        election_timeout_min: config.election_ms.0,
        election_timeout_max: config.election_ms.1,
        enable_pre_vote: Some(true),
        // The state is in memory: a restarted leader has to be elected, and so to catch up.
        enable_leader_restore: Some(false),
        snapshot_policy: SnapshotPolicy::LogsSinceLast(config.snapshot_after),
        max_in_snapshot_log_to_keep: config.snapshot_after / 5,
        // Must exceed the snapshot's interval, or a follower gets snapshots without end.
        replication_lag_threshold: 2 * config.snapshot_after,
        install_snapshot_timeout: 60_000,
        // Where its messages arrive but no answer comes back, a leader must fall silent for others to
        // be elected; long enough that a disk which stalls for a moment is not taken for that.
        quorum_loss_probe_interval: Some((2 * config.election_ms.1).max(QUORUM_LOSS_MS)),
        ..openraft::Config::default()
    };
    Ok(Arc::new(raft.validate().context("raft's settings do not fit")?))
}
