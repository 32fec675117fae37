//! What a nemesis has at hand.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use baton_client::Client;
use serde_json::Value;

use super::mend::Mend;
use crate::cluster::Cluster;
use crate::cluster::stranger::Stranger;
use crate::history::{Kind, Process};
use crate::recorder::{Line, Recorder};

/// What became of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is there; at whom.
    Installed(String),
    /// This machine, or this binary, cannot do it; why.
    Skipped(String),
    /// Whether it is there is not known; why.
    Indeterminate(String),
}

/// The cluster, and what must be taken back.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) cluster: Cluster,
    /// Asks quickly, and gives up quickly.
    pub(crate) client: Client,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) random: fastrand::Rng,
    /// Where targets write what they see.
    pub(crate) witness: PathBuf,
    /// For operators' commands.
    pub(crate) binary: PathBuf,
    /// Where tools that bend a process write what they did.
    pub(crate) logs: PathBuf,
    /// They live as long as the test.
    pub(crate) strangers: Vec<Stranger>,
    /// Taken back in reverse order.
    pub(crate) mends: Vec<Mend>,
    /// The leader at which the last fault was directed, and when: until another one leads.
    pub(crate) deposed: Option<(u64, Instant)>,
}

/// How long a nemesis looks for a leader before it gives up on its card.
const LEADER_WITHIN: Duration = Duration::from_secs(5);

impl Site {
    /// Who leads, as the leader itself says.
    pub(crate) async fn leading(&self) -> Option<u64> {
        let status = self.client.cluster_status().await.ok()?;
        (status.leader == Some(status.answered_by)).then_some(status.answered_by)
    }

    /// The leader's name.
    ///
    /// # Errors
    /// If nobody leads for a while.
    pub(crate) async fn leader(&self) -> anyhow::Result<String> {
        let deadline = Instant::now() + LEADER_WITHIN;
        loop {
            if let Some(name) = self.leading().await.and_then(|id| self.cluster.member(id)) {
                return Ok(name);
            }
            anyhow::ensure!(Instant::now() < deadline, "nobody leads, so the leader cannot be hit");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Writes something down that no client asked for.
    pub(crate) fn note(&self, f: &str, value: Value) {
        let process = Process::Nemesis;
        self.recorder.write(Line { kind: Kind::Info, process, f, value, node: None, error: None });
    }

    /// From now on it is measured how long it takes until another one leads.
    pub(crate) fn deposes(&mut self, name: &str) {
        if let crate::cluster::Role::Member(id) = self.cluster.node(name).role {
            self.deposed = Some((id, Instant::now()));
        }
    }

    /// A coordinator that does not lead.
    ///
    /// # Errors
    /// If nobody leads, or nobody else runs.
    pub(crate) async fn follower(&mut self) -> anyhow::Result<String> {
        let leader = self.leader().await?;
        let members = self.cluster.members().filter(|node| node.name != leader && node.pid().is_some());
        let others: Vec<_> = members.map(|node| node.name.clone()).collect();
        self.random.choice(others).context("no other coordinator runs")
    }

    /// The agent that was seen in the state that a card waits for, or any.
    ///
    /// # Errors
    /// If none runs.
    pub(crate) fn agent(&mut self, hit: Option<String>) -> anyhow::Result<String> {
        let running: Vec<_> =
            self.cluster.agents().filter(|node| node.pid().is_some()).map(|node| node.name.clone()).collect();
        hit.or_else(|| self.random.choice(running)).context("no agent runs")
    }

    /// The names of all coordinators.
    pub(crate) fn members(&self) -> Vec<String> {
        self.cluster.members().map(|node| node.name.clone()).collect()
    }

    /// More than half of the coordinators, drawn by lot.
    pub(crate) fn majority(&mut self) -> Vec<String> {
        let mut members = self.members();
        self.random.shuffle(&mut members);
        members.truncate(members.len() / 2 + 1);
        members
    }
}
