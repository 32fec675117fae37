//! What the rest of the node sees of raft.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use baton_engine::{Batch, Reply};
use baton_storage::log::LogDisk;
use openraft::async_runtime::WatchReceiver;
use openraft::errors::{ClientWriteError, ForwardToLeader, LinearizableReadError, RaftError};
use openraft::{Instant, ReadPolicy};
use tokio::sync::watch;

use super::leadership::Leadership;
use super::peers::Peers;
use super::snapshot::SnapshotFolder;
use super::standing::Standing;
use super::state_machine::Machine;
use super::types::*;
use crate::config::Config;
use crate::grpc::peer::PeerService;

/// How long a read may wait for a quorum to confirm the leader.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// This member's part in the cluster. A clone is another handle to the same.
#[derive(Clone)]
pub struct Cluster(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) config: Arc<Config>,
    pub(super) standing: Arc<Standing>,
    pub(super) raft: Raft,
    pub(super) log: Arc<dyn LogDisk>,
    pub(super) machine: Arc<Machine>,
    pub(super) snapshots: SnapshotFolder,
    pub(super) peers: Peers,
    pub(super) leadership: watch::Receiver<Leadership>,
    pub(super) short_of_room: AtomicBool,
    /// When this process began to serve.
    pub(super) started: std::time::Instant,
    /// Held while the members are being changed.
    pub(super) changing: tokio::sync::Mutex<()>,
}

/// Why a batch was not written, or is not known to be.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// It was not written: another member leads, or none.
    #[error("this coordinator does not lead")]
    NotLeader {
        /// Who does, where it is known.
        leader: Option<Member>,
    },
    /// It may or may not be committed: ask again with the same request ids.
    #[error("the write's outcome is not known: {0}")]
    Unknown(String),
}

/// Why a read cannot be linearizable now.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// Another member leads, or none.
    #[error("this coordinator does not lead")]
    NotLeader {
        /// Who does, where it is known.
        leader: Option<Member>,
    },
    /// No quorum confirmed the leader, or raft has broken off.
    #[error("{0}")]
    Unavailable(String),
}

impl Cluster {
    /// What the other members talk to.
    pub fn peer_service(&self) -> baton_api::peer_server::PeerServer<PeerService> {
        PeerService::server(self.clone())
    }

    /// Writes a batch and waits until it is committed and applied here. Returns its place in the
    /// log and the answers to its commands.
    ///
    /// # Errors
    /// As [`WriteError`].
    pub async fn write(&self, batch: Batch) -> Result<(u64, Vec<Reply>), WriteError> {
        if self.is_short_of_room() {
            // It is stepping aside; another will lead, or none has room.
            return Err(WriteError::NotLeader { leader: None });
        }
        match self.0.raft.client_write(Proposal(Arc::new(batch))).await {
            Ok(written) => Ok((written.log_id.index, written.data)),
            Err(RaftError::APIError(ClientWriteError::ForwardToLeader(forward))) => {
                Err(WriteError::NotLeader { leader: self.other(forward) })
            }
            Err(error) => Err(WriteError::Unknown(error.to_string())),
        }
    }

    /// Makes sure that what [`Cluster::machine`] shows now is not older than anything that was
    /// acknowledged before this call. Returns the log index that it reflects at least.
    ///
    /// # Errors
    /// As [`ReadError`].
    pub async fn linearize(&self) -> Result<u64, ReadError> {
        let read = self.0.raft.ensure_linearizable(ReadPolicy::ReadIndex);
        match tokio::time::timeout(READ_WITHIN, read).await {
            Ok(Ok(read)) => Ok(read.log_id().index),
            Ok(Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(forward)))) => {
                Err(ReadError::NotLeader { leader: self.other(forward) })
            }
            Ok(Err(RaftError::APIError(LinearizableReadError::QuorumNotEnough(short)))) => {
                let ids: Vec<_> = short.got.iter().map(u64::to_string).collect();
                Err(ReadError::Unavailable(format!(
                    "no quorum answers it: of the voters, only {}",
                    ids.join(", ")
                )))
            }
            Ok(Err(error)) => Err(ReadError::Unavailable(error.to_string())),
            Err(_) => Err(ReadError::Unavailable(format!(
                "no quorum answers it within {} s",
                READ_WITHIN.as_secs()
            ))),
        }
    }

    /// The state, as far as it is applied here.
    pub fn machine(&self) -> &Arc<Machine> {
        &self.0.machine
    }

    /// Who leads, and when that changes.
    pub fn leadership(&self) -> watch::Receiver<Leadership> {
        self.0.leadership.clone()
    }

    /// True while a quorum has acknowledged this leader lately, counted from when it was asked: no other leader can have
    /// been elected before that. A leader that is cut off from the others goes on thinking that it leads.
    pub fn is_followed(&self, lately: Duration) -> bool {
        let metrics = self.0.raft.metrics();
        let metrics = metrics.borrow_watched();
        // Raft notes only what others acknowledge; alone, the leader is its own quorum.
        let alone = metrics.membership_config.membership().voter_ids().count() == 1;
        let acked = metrics.last_quorum_acked.as_deref();
        metrics.state.is_leader() && (alone || acked.is_some_and(|acked| acked.elapsed() <= lately))
    }

    /// Stops raft. What is durable stays so; leadership is lost, see [`Cluster::hand_over`].
    ///
    /// # Errors
    /// If raft's task had broken off before.
    pub async fn shutdown(&self) -> anyhow::Result<()> {
        self.0.raft.shutdown().await.context("raft had broken off")
    }

    /// The leader to go to, if it is not this member itself, whose lease has run out.
    fn other(&self, forward: ForwardToLeader<Types>) -> Option<Member> {
        let other = forward.leader_id != Some(self.0.config.id);
        forward.leader_node.filter(|_| other)
    }

    pub(crate) fn raft(&self) -> &Raft {
        &self.0.raft
    }

    pub(crate) fn standing(&self) -> &Standing {
        &self.0.standing
    }

    pub(crate) fn snapshots(&self) -> &SnapshotFolder {
        &self.0.snapshots
    }

    pub(crate) fn membership(&self) -> Membership {
        let metrics = self.0.raft.metrics();
        let metrics = metrics.borrow_watched();
        metrics.membership_config.membership().clone()
    }
}
