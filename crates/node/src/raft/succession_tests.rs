use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::select_all;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

use super::*;
use crate::config::Config;
use crate::surroundings::Surroundings;

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

struct Member {
    cluster: Cluster,
    server: JoinHandle<()>,
}

/// Three members that have formed a cluster.
async fn formed(folder: &TempDir) -> Vec<Member> {
    let mut listeners = Vec::new();
    for _ in 0..3 {
        listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let address = |listener: &TcpListener| listener.local_addr().unwrap();
    let peers = (1..).zip(&listeners).map(|(id, listener)| (id, address(listener).to_string()));
    let peers: BTreeMap<u64, String> = peers.collect();
    let mut members = Vec::new();
    for (id, listener) in (1..).zip(listeners) {
        let data = folder.path().join(id.to_string());
        // Tests run beside compilers and other tests: nobody shall be given up who lives.
        let (heartbeat_ms, election_ms) = (100, (500, 1000));
        let config = Config::new(id, "east", address(&listener), data, peers.clone());
        let config = Config { heartbeat_ms, election_ms, ..config };
        let cluster = Cluster::open(Arc::new(config), Surroundings::default()).await.unwrap();
        let server = Server::builder().add_service(cluster.peer_service());
        let server = server.serve_with_incoming(TcpListenerStream::new(listener));
        members.push(Member { cluster, server: tokio::spawn(async { server.await.unwrap() }) });
    }
    for member in &members {
        member.cluster.form().await.unwrap();
    }
    members
}

/// The place of the first of whose leadership that is true.
async fn first(members: &[Member], is: impl Fn(&Leadership) -> bool) -> usize {
    let told = members.iter().map(|member| {
        let mut leadership = member.cluster.leadership();
        let is = &is;
        Box::pin(async move { leadership.wait_for(|now| is(now)).await.map(drop) })
    });
    let (told, place, _) = timeout(PATIENCE, select_all(told)).await.expect("it never came to that");
    told.unwrap();
    place
}

/// No member here stands for election by itself, however long it hears nothing, so a later term is one that somebody stood
/// in whose line broke.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_leader_s_line_breaks_stands_for_election() {
    let folder = tempfile::tempdir().unwrap();
    let mut members = formed(&folder).await;
    let old = members.remove(first(&members, |now| now.leads).await);
    let term = old.cluster.leadership().borrow().term;
    for member in &members {
        member.cluster.raft().runtime_config().elect(false);
    }
    old.cluster.shutdown().await.unwrap();
    old.server.abort();
    first(&members, |now| now.term > term).await;
    for member in members {
        member.cluster.shutdown().await.unwrap();
        member.server.abort();
    }
}
