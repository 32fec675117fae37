//! The cluster under test: coordinators and agents as processes, each with a network, a disk and
//! a boot id of its own where the sandbox allows it.

pub(crate) mod disk;
pub(crate) mod latency;
pub(crate) mod network;
pub(crate) mod node;
pub(crate) mod stranger;
pub(crate) mod tree;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use baton_client::Client;
use baton_client::view::ClusterStatus;

use crate::sandbox::Sandbox;
use latency::{Distance, Latency};
use network::Network;
pub(crate) use node::{Node, Role};

/// Coordinators by region; agents stand one in each region, and a second one in the first.
const MEMBERS: [&str; 5] = ["east", "east", "west", "west", "north"];
const AGENTS: [(&str, &str); 4] =
    [("east-1", "east"), ("west-1", "west"), ("north-1", "north"), ("west-2", "west")];

/// Times that make a takeover quick and a lease short enough to outlast in a test.
fn settings_of(distance: Distance) -> String {
    // Where a round trip takes longer, so must patience.
    let far_ms = distance.round_trip_ms + distance.jitter_ms;
    format!(
        "heartbeat_ms = {}\nelection_ms = [{}, {}]\nlease_ms = {}\nrenew_ms = {}\nsnapshot_after = 300\n",
        50 + far_ms / 4,
        200 + 3 * far_ms,
        400 + 4 * far_ms,
        1500 + 5 * far_ms,
        300 + far_ms,
    )
}

/// How the cluster is set up.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// The `baton` binary.
    pub(crate) binary: PathBuf,
    /// Where logs go, on the machine's own disk.
    pub(crate) logs: PathBuf,
    /// Where data goes.
    pub(crate) data: PathBuf,
    /// How far regions are from each other.
    pub(crate) distance: Distance,
    /// The library that bends the wall clock, if this test does.
    pub(crate) faketime: Option<PathBuf>,
}

/// All nodes.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) network: Option<Network>,
    /// How far regions are from each other when nothing is wrong.
    pub(crate) distance: Distance,
    latency: Option<Latency>,
    /// Nodes that a test has taken out for good.
    pub(crate) out: BTreeSet<String>,
}

impl Cluster {
    /// Makes everything and starts everybody.
    ///
    /// # Errors
    /// If the sandbox refuses, or a process cannot be started.
    pub(crate) fn start(layout: &Layout, sandbox: &Sandbox) -> anyhow::Result<Cluster> {
        let isolated = *sandbox == Sandbox::Isolated;
        let nodes = nodes(layout, isolated)?;
        let network = match isolated {
            true => Some(Network::create(&nodes).context("the network cannot be made")?),
            false => None,
        };
        let mut cluster =
            Cluster { nodes, network, distance: layout.distance, latency: None, out: BTreeSet::new() };
        if layout.distance != Distance::default()
            && let Some(why) = cluster.is_at(layout.distance)?
        {
            anyhow::bail!("regions cannot be {} ms from each other: {why}", layout.distance.round_trip_ms);
        }
        for node in &mut cluster.nodes {
            node.prepare(isolated).with_context(|| format!("{} cannot be prepared", node.name))?;
            node.start()?;
        }
        Ok(cluster)
    }

    /// From now on regions are so far from each other. Says why not, where that cannot be.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub(crate) fn is_at(&mut self, distance: Distance) -> anyhow::Result<Option<String>> {
        if self.network.is_none() {
            return Ok(Some("the network is the machine's own: it needs namespaces".into()));
        }
        if self.latency.is_none() {
            self.latency = Latency::create(&self.nodes)?;
        }
        let Some(latency) = &self.latency else {
            return Ok(Some("iptables is not installed".into()));
        };
        latency.set(distance);
        Ok(None)
    }

    /// Packets that were delayed so far.
    pub(crate) fn delayed(&self) -> Option<u64> {
        self.latency.as_ref().map(Latency::delayed)
    }

    /// All wires carry everything, as quickly as they do when nothing is wrong.
    ///
    /// # Errors
    /// If the rules cannot be changed.
    pub(crate) fn connect(&self) -> anyhow::Result<()> {
        if let Some(latency) = &self.latency {
            latency.set(self.distance);
        }
        self.network.as_ref().map_or(Ok(()), Network::heal)
    }

    /// The coordinators, as a client takes them.
    pub(crate) fn servers(&self) -> Vec<String> {
        self.members().map(|node| node.address.clone()).collect()
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| matches!(node.role, Role::Member(_)))
    }

    pub(crate) fn agents(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.role == Role::Agent)
    }

    /// A node by its name.
    ///
    /// # Panics
    /// If there is no such node: names come from this cluster.
    pub(crate) fn node(&self, name: &str) -> &Node {
        self.nodes.iter().find(|node| node.name == name).expect("a node of this cluster")
    }

    pub(crate) fn node_mut(&mut self, name: &str) -> &mut Node {
        self.nodes.iter_mut().find(|node| node.name == name).expect("a node of this cluster")
    }

    /// The name of a coordinator.
    pub(crate) fn member(&self, id: u64) -> Option<String> {
        self.members().find(|node| node.role == Role::Member(id)).map(|node| node.name.clone())
    }

    /// How many other agents stand in an agent's region and run.
    pub(crate) fn colleagues(&self, agent: &str) -> usize {
        let region = &self.node(agent).region;
        let others = self.agents().filter(|node| node.region == *region && node.name != agent);
        others.filter(|node| node.pid().is_some()).count()
    }

    /// Everyone in a region.
    pub(crate) fn region(&self, region: &str) -> Vec<String> {
        self.nodes.iter().filter(|node| node.region == region).map(|node| node.name.clone()).collect()
    }

    /// Starts, thaws and connects whatever is not.
    ///
    /// # Errors
    /// If something cannot be started.
    pub(crate) fn heal(&mut self) -> anyhow::Result<()> {
        self.connect()?;
        for node in &mut self.nodes {
            node.thaw();
            if !self.out.contains(&node.name) && !node.is_running() {
                node.start()?;
            }
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            node.end();
        }
    }
}

/// Waits until somebody leads and every agent that should be there is live.
///
/// # Errors
/// If that takes too long.
pub(crate) async fn until_ready(
    client: &Client,
    agents: usize,
    within: Duration,
) -> anyhow::Result<ClusterStatus> {
    let deadline = Instant::now() + within;
    let mut last = String::from("nobody answered");
    while Instant::now() < deadline {
        match client.cluster_status().await {
            Ok(status) => {
                let live = status.agents.iter().filter(|agent| agent.status == "live").count();
                if status.leader == Some(status.answered_by) && live >= agents {
                    return Ok(status);
                }
                last = format!("leader {:?}, {live} of {agents} agents live", status.leader);
            }
            Err(error) => last = error.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the cluster is not ready after {} s: {last}", within.as_secs())
}

fn nodes(layout: &Layout, isolated: bool) -> anyhow::Result<Vec<Node>> {
    let settings = layout.data.join("settings.toml");
    std::fs::create_dir_all(&layout.data)?;
    std::fs::write(&settings, settings_of(layout.distance))?;
    let count = MEMBERS.len() + AGENTS.len();
    let hosts: Vec<String> = match isolated {
        true => (1..=count).map(|at| format!("10.77.0.{at}:7000")).collect(),
        false => network::free_ports(MEMBERS.len())?,
    };
    let servers = hosts[..MEMBERS.len()].to_vec();
    let peers: Vec<_> = servers.iter().zip(1..).map(|(address, id)| format!("{id}={address}")).collect();
    let member = |(at, region): (usize, &&str)| {
        let (id, name) = (at as u64 + 1, format!("c{}", at + 1));
        let mut node = Node::new(layout, &name, region, Role::Member(id), &servers[at]);
        node.arguments =
            ["server", "--id", &id.to_string(), "--listen", &servers[at], "--peers", &peers.join(",")]
                .map(String::from)
                .to_vec();
        node.arguments.extend(["--config".into(), shown(&settings)]);
        node
    };
    let agent = |(at, (name, region)): (usize, &(&str, &str))| {
        let address = hosts.get(MEMBERS.len() + at).cloned().unwrap_or_default();
        let mut node = Node::new(layout, name, region, Role::Agent, &address);
        node.arguments =
            ["agent", "--name", name, "--servers", &servers.join(",")].map(String::from).to_vec();
        node
    };
    let members = MEMBERS.iter().enumerate().map(member);
    Ok(members.chain(AGENTS.iter().enumerate().map(agent)).collect())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
