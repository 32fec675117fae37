//! What became of the cluster's members, its leadership, and its backups.

use baton_client::view::Time;
use serde::Serialize;

use crate::output::Data;

/// A member that was added, promoted or removed.
#[derive(Debug, Serialize)]
pub(crate) struct MemberChanged {
    pub(crate) member: u64,
    /// What it is now.
    pub(crate) role: &'static str,
    pub(crate) revision: u64,
}

impl Data for MemberChanged {
    fn table(&self) -> String {
        let id = self.member;
        match self.role {
            "learner" => format!(
                "server {id} is a learner; once it has caught up, give it a vote: baton cluster promote {id}\n"
            ),
            "removed" => format!("server {id} is removed, and its id is never used again\n"),
            _ => format!("server {id} has a vote\n"),
        }
    }

    fn names(&self) -> Vec<String> {
        vec![self.member.to_string()]
    }
}

/// Leadership that was handed over.
#[derive(Debug, Serialize)]
pub(crate) struct LeaderTransferred {
    pub(crate) from: u64,
    pub(crate) leader: u64,
}

impl Data for LeaderTransferred {
    fn table(&self) -> String {
        format!("server {} leads\n", self.leader)
    }

    fn names(&self) -> Vec<String> {
        vec![self.leader.to_string()]
    }
}

/// Where the leader should be from now on.
#[derive(Debug, Serialize)]
pub(crate) struct LeaderPreferred {
    pub(crate) preferred_region: Option<String>,
    pub(crate) revision: u64,
}

impl Data for LeaderPreferred {
    fn table(&self) -> String {
        match &self.preferred_region {
            Some(region) => format!("the leader should be in {region}, and goes there when it can\n"),
            None => "the leader may be anywhere\n".into(),
        }
    }

    fn names(&self) -> Vec<String> {
        self.preferred_region.iter().cloned().collect()
    }
}

/// A backup that was written.
#[derive(Debug, Serialize)]
pub(crate) struct BackedUp {
    pub(crate) file: String,
    pub(crate) bytes: u64,
    pub(crate) cluster: String,
    pub(crate) revision: u64,
    pub(crate) taken_at: Time,
    pub(crate) runs: u64,
    /// Of these, those that had not ended.
    pub(crate) active: usize,
}

impl Data for BackedUp {
    fn table(&self) -> String {
        format!(
            "{} holds the state at revision {}: {} runs, {} of them under way\n",
            self.file, self.revision, self.runs, self.active
        )
    }

    fn names(&self) -> Vec<String> {
        vec![self.file.clone()]
    }
}

/// A new cluster that was made from a copy of an old one.
#[derive(Debug, Serialize)]
pub(crate) struct Restored {
    pub(crate) data_dir: String,
    pub(crate) member: u64,
    pub(crate) cluster: String,
    pub(crate) epoch: u64,
    pub(crate) revision: u64,
    /// Runs that had not ended.
    pub(crate) active: usize,
    /// Agents that are heard before anything is begun that must not happen twice.
    pub(crate) waits_for: Vec<String>,
    pub(crate) still_there: Vec<String>,
}

impl Data for Restored {
    fn table(&self) -> String {
        let agents = match self.waits_for.as_slice() {
            [] => "no agent".to_owned(),
            names => names.join(", "),
        };
        format!(
            "{0} is the data folder of server {1}, the first of a new cluster, at revision {2} of the old one; epoch {3}\n\
             {4} runs were under way; what must not happen twice waits until these have told what they did since: {agents}\n\
             now start it: baton server --id {1} --region … --listen … --data-dir {0}\n",
            self.data_dir, self.member, self.revision, self.epoch, self.active
        )
    }

    fn names(&self) -> Vec<String> {
        vec![self.data_dir.clone()]
    }
}
