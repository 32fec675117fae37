//! openraft's type parameters, as this program fills them.

use std::fmt;
use std::sync::Arc;

use baton_engine::{Batch, Reply};
use openraft::impls::leader_id_std;
use serde::{Deserialize, Serialize};

use super::state_machine::MachineStore;

openraft::declare_raft_types!(
    /// What raft carries here.
    pub(crate) Types:
        D = Proposal,
        R = Vec<Reply>,
        Node = Member,
        LeaderId = leader_id_std::LeaderId<Self::Term, Self::NodeId>,
);

pub(crate) type Raft = openraft::Raft<Types, MachineStore>;
pub(crate) type Vote = openraft::alias::VoteOf<Types>;
pub(crate) type LogId = openraft::alias::LogIdOf<Types>;
pub(crate) type Entry = openraft::alias::EntryOf<Types>;
pub(crate) type StoredMembership = openraft::alias::StoredMembershipOf<Types>;
pub(crate) type SnapshotMeta = openraft::alias::SnapshotMetaOf<Types>;
/// What a leader asks a follower to append.
pub(crate) type Asking = openraft::raft::AppendEntriesRequest<Types>;
/// What became of one of those that came in a stream.
pub(crate) type Appended = Result<openraft::raft::StreamAppendResult<Types>, openraft::errors::Fatal<Types>>;
pub(crate) type Membership = openraft::Membership<u64, Member>;

/// A member as the membership knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// `HOST:PORT`.
    pub address: String,
    /// Where it stands.
    pub region: String,
    /// Of its data folder: another folder under the same id is not this member.
    pub incarnation: String,
}

/// A batch on its way through the log; shared, because several tasks hold it at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Proposal(pub(crate) Arc<Batch>);

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} commands", self.0.commands.len())
    }
}

/// A whole snapshot as openraft takes it.
pub(crate) type RaftSnapshot = openraft::storage::Snapshot<
    openraft::alias::CommittedLeaderIdOf<Types>,
    u64,
    Member,
    super::snapshot::SnapshotBytes,
>;
