//! A coordinator from its start to its end.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use baton_api::agents_server::AgentsServer;
use baton_api::operator_server::OperatorServer;
use futures::Stream;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tonic::transport::Server;
use tonic::transport::server::{Connected, TcpIncoming};

use crate::config::Config;
use crate::grpc::agents::AgentsService;
use crate::grpc::operator::OperatorService;
use crate::leader::office::follow_leadership;
use crate::raft::Cluster;
use crate::surroundings::Surroundings;

/// The largest request, bytes: a plan's text with room around it.
const LARGEST_REQUEST: usize = 16 << 20;

/// Connections that may wait to be accepted: after a takeover all agents come at once. The kernel allows no more than
/// `net.core.somaxconn`, and lets whoever finds no place come again a second later.
const WAITING: u32 = 16_384;

/// Runs a coordinator until `shutdown` completes; leadership is handed over before it ends.
///
/// # Errors
/// A sentence about an address, data or a membership that cannot be worked with.
pub async fn run(config: Config, shutdown: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
    allow_many_connections();
    let address = config.listen;
    let listener =
        listen(address).with_context(|| format!("cannot listen on {address}; is something else there?"))?;
    let connections = TcpIncoming::from(listener).with_nodelay(Some(true));
    serve(config, Surroundings::default(), connections, shutdown).await
}

/// Every agent holds a connection. Many systems allow a process 1024 files at first, and more if it asks.
fn allow_many_connections() {
    let allowed = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: allowed.maximum, ..allowed }) {
        tracing::warn!(%error, "no more than {:?} files can be open at once, connections included", allowed.current);
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A coordinator that comes back finds its port still in use by connections that have ended.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Runs a coordinator as [`run`] does, on these surroundings, for whoever connects.
///
/// # Errors
/// A sentence about data or a membership that cannot be worked with.
pub async fn serve<C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static>(
    config: Config,
    surroundings: Surroundings,
    connections: impl Stream<Item = io::Result<C>>,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    #[cfg(feature = "sabotage")]
    crate::sabotage::plant();
    let config = Arc::new(config);
    let cluster = Cluster::open(Arc::clone(&config), surroundings).await?;
    let (office, current) = watch::channel(None);
    let leading = tokio::spawn(follow_leadership(Arc::clone(&config), cluster.clone(), office));
    let operator =
        OperatorService { config: Arc::clone(&config), cluster: cluster.clone(), office: current.clone() };
    let agents = AgentsService { config: Arc::clone(&config), cluster: cluster.clone(), office: current };
    let server = Server::builder()
        .add_service(cluster.peer_service())
        .add_service(OperatorServer::new(operator).max_decoding_message_size(LARGEST_REQUEST))
        .add_service(AgentsServer::new(agents))
        .serve_with_incoming(connections);
    tracing::info!(id = config.id, region = %config.region, address = %config.listen, "listening");
    let formed = async {
        cluster.form().await?;
        anyhow::Result::<()>::Err(cluster.removed().await)
    };
    let ended = tokio::select! {
        served = server => served.context("the server has stopped"),
        refused = formed => refused,
        () = shutdown => {
            cluster.hand_over().await;
            Ok(())
        }
    };
    leading.abort();
    cluster.shutdown().await.ok();
    ended
}
