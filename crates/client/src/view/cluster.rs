//! The cluster itself.

use std::collections::BTreeMap;

use serde::Serialize;

/// Who is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterStatus {
    /// The member that leads.
    pub leader: Option<u64>,
    /// Raft's term.
    pub term: u64,
    /// Every coordinator.
    pub members: Vec<Member>,
    /// Every agent; only the leader knows which of them live.
    pub agents: Vec<Agent>,
    /// The cluster's id.
    pub cluster: String,
    /// The member that told all this.
    pub answered_by: u64,
    /// The region in which the leader should be, where an operator has said so.
    pub preferred_region: Option<String>,
}

/// One coordinator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Its id.
    pub id: u64,
    /// Where it stands.
    pub region: String,
    /// How it is reached, `HOST:PORT`.
    pub address: String,
    /// `leader`, `follower` or `learner`.
    pub role: String,
    /// The member that tells this hears from it.
    pub reachable: bool,
    /// Index of its newest log entry.
    pub last_log: Option<u64>,
    /// Index of the newest entry that it has applied.
    pub applied: Option<u64>,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// Where it does steps.
    pub region: String,
    /// `live` or `silent`.
    pub status: String,
    /// Steps that it is doing.
    pub running: u32,
    /// Steps that it can do at once.
    pub slots: u32,
    /// For people and placement.
    pub labels: BTreeMap<String, String>,
}

impl ClusterStatus {
    /// The member that leads, if it is among the members.
    pub fn leading_member(&self) -> Option<&Member> {
        self.members.iter().find(|member| Some(member.id) == self.leader)
    }
}
