//! Coordinators in this process, over loopback, for tests of raft.
#![allow(dead_code, reason = "each test binary uses its own part")]

mod older;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use baton_engine::command::{Join, Speaker};
use baton_engine::{Batch, Command, Reply, Stamp};
use baton_node::Surroundings;
use baton_node::config::Config;
use baton_node::raft::Cluster;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;

use older::Door;

/// Far beyond what anything here takes: only a test that would fail waits this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// One coordinator that runs.
pub(crate) struct Node {
    pub(crate) cluster: Cluster,
    /// How often it was asked for a stream of entries.
    streams: Arc<AtomicUsize>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

/// The members of one cluster, running or not, with their data.
pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) peers: BTreeMap<u64, String>,
    pub(crate) nodes: BTreeMap<u64, Node>,
    pub(crate) snapshot_after: u64,
    /// Members that do not know of streams of entries.
    pub(crate) older: BTreeSet<u64>,
}

impl Site {
    /// Three members whose ports the system chose; none runs yet.
    pub(crate) async fn new() -> Self {
        let mut peers = BTreeMap::new();
        let mut held = Vec::new();
        for id in 1..=3 {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            peers.insert(id, listener.local_addr().unwrap().to_string());
            held.push(listener);
        }
        let (folder, nodes, older) = (tempfile::tempdir().unwrap(), BTreeMap::new(), BTreeSet::new());
        Self { folder, peers, nodes, snapshot_after: 5000, older }
    }

    /// Three members that run and have formed a cluster.
    pub(crate) async fn formed() -> Self {
        let mut site = Self::new().await;
        site.start_all().await;
        site
    }

    /// Starts every member that does not run, and waits until each belongs to the cluster.
    pub(crate) async fn start_all(&mut self) {
        for id in 1..=3 {
            if !self.nodes.contains_key(&id) {
                self.start(id).await.unwrap();
            }
        }
        for node in self.nodes.values() {
            within(node.cluster.form()).await.unwrap();
        }
    }

    /// Starts one member, without waiting for the others.
    pub(crate) async fn start(&mut self, id: u64) -> anyhow::Result<()> {
        let config = Arc::new(self.config(id));
        let cluster = within(open(config.clone())).await?;
        let listener = within(bind(config.listen)).await;
        let (stop, stopped) = oneshot::channel::<()>();
        let door = Door::of(cluster.peer_service(), self.older.contains(&id));
        let streams = door.streams();
        let server = tonic::transport::Server::builder().add_service(door).serve_with_incoming_shutdown(
            TcpListenerStream::new(listener),
            async {
                // Dropping the sender stops the server as well.
                let _ = stopped.await;
            },
        );
        let server = tokio::spawn(async { server.await.unwrap() });
        let node = Node { cluster, streams, stop, server };
        self.nodes.insert(id, node);
        Ok(())
    }

    /// Stops a member as it stands: what it had not made durable is gone.
    pub(crate) async fn stop(&mut self, id: u64) {
        let node = self.nodes.remove(&id).unwrap();
        node.cluster.shutdown().await.unwrap();
        node.stop.send(()).unwrap();
        within(node.server).await.unwrap();
    }

    pub(crate) async fn stop_all(&mut self) {
        for id in self.nodes.keys().copied().collect::<Vec<_>>() {
            self.stop(id).await;
        }
    }

    pub(crate) fn data(&self, id: u64) -> std::path::PathBuf {
        self.folder.path().join(format!("member-{id}"))
    }

    pub(crate) fn config(&self, id: u64) -> Config {
        let listen: SocketAddr = self.peers[&id].parse().unwrap();
        let mut config = Config::new(id, format!("region-{id}"), listen, self.data(id), self.peers.clone());
        // Tests run beside compilers and other tests; nothing here depends on how fast a leader is
        // replaced.
        config.heartbeat_ms = 100;
        config.election_ms = (500, 1000);
        config.snapshot_after = self.snapshot_after;
        config
    }

    pub(crate) fn cluster(&self, id: u64) -> &Cluster {
        &self.nodes[&id].cluster
    }

    /// Waits until a member was asked for a stream of entries.
    pub(crate) async fn streamed_to(&self, id: u64) {
        until(async || (self.nodes[&id].streams.load(Ordering::Relaxed) > 0).then_some(())).await;
    }

    /// The member that leads, once a majority knows it.
    pub(crate) async fn leader(&self) -> u64 {
        until(async || {
            let said = self.nodes.values().filter_map(|node| {
                let leadership = node.cluster.leadership();
                let leadership = leadership.borrow();
                leadership.leader.as_ref().map(|(id, _)| *id)
            });
            let mut votes = BTreeMap::<u64, usize>::new();
            said.for_each(|id| *votes.entry(id).or_default() += 1);
            let leads = |id: &u64| self.nodes.get(id).is_some_and(|n| n.cluster.leadership().borrow().leads);
            votes.into_iter().find(|(id, n)| *n >= 2 && leads(id)).map(|(id, _)| id)
        })
        .await
    }

    /// Writes commands through whoever leads, again and again until it is done.
    pub(crate) async fn write(&self, commands: Vec<Command>) -> (u64, Vec<Reply>) {
        until(async || {
            let leader = self.leader().await;
            let cluster = self.cluster(leader);
            let term = cluster.leadership().borrow().term;
            let take = Command::TakeOffice { node: leader };
            let commands = std::iter::once(take).chain(commands.clone()).collect();
            // Not leading any more, or not known: the next one decides.
            cluster.write(batch(term, commands)).await.ok()
        })
        .await
    }

    /// Waits until a member has applied the log up to `index`.
    pub(crate) async fn applied(&self, id: u64, index: u64) {
        let mut applied = self.cluster(id).machine().applied();
        within(applied.wait_for(|applied| *applied >= index)).await.unwrap();
    }

    /// The names of the agents that a member knows.
    pub(crate) fn agents(&self, id: u64) -> Vec<String> {
        let machine = self.cluster(id).machine();
        machine.read(|state| state.agents.by_name.keys().cloned().collect())
    }
}

/// A stop in the same process leaves the lock for a moment to tasks that are ending.
async fn open(config: Arc<Config>) -> anyhow::Result<Cluster> {
    loop {
        match Cluster::open(config.clone(), Surroundings::default()).await {
            Err(error) if error.to_string().contains("in use by another process") => {
                tokio::task::yield_now().await;
            }
            other => return other,
        }
    }
}

async fn bind(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

pub(crate) fn batch(term: u64, commands: Vec<Command>) -> Batch {
    Batch { stamp: Stamp::default(), term, commands }
}

/// A command that leaves a trace: an agent of that name is known afterwards.
pub(crate) fn join(name: &str) -> Command {
    Command::JoinAgent(Join {
        speaker: Speaker { agent: name.into(), incarnation: "journal".into() },
        region: "east".into(),
        host: "host".into(),
        boot: "boot".into(),
        slots: 1,
        labels: BTreeMap::new(),
    })
}

/// Asks until there is an answer.
pub(crate) async fn until<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    within(async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            // Leaves the processor to what is being waited for.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

/// Waits, but not for ever.
pub(crate) async fn within<T>(wait: impl IntoFuture<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, wait.into_future()).await;
    waited.expect("it did not happen within a minute")
}

/// Bytes of all files below a folder.
pub(crate) fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let size = |entry: std::fs::DirEntry| match entry.file_type().unwrap().is_dir() {
        true => size(&entry.path()),
        false => entry.metadata().unwrap().len(),
    };
    entries.map(size).sum()
}
