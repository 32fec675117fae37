//! A coordinator from its start to its end.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use baton_api::agents_server::AgentsServer;
use baton_api::operator_server::OperatorServer;
use futures::{Stream, StreamExt};
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

/// Pause before the next connection where one could not be accepted.
const ACCEPT_AGAIN: Duration = Duration::from_millis(250);

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

/// What cannot be accepted for want of descriptors or memory still waits: asking for it without a pause would take a whole
/// core from those who are served.
async fn unhurried<C>(connection: io::Result<C>) -> io::Result<C> {
    if let Err(error) = &connection
        && !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
    {
        tracing::warn!(%error, "a connection cannot be accepted yet");
        tokio::time::sleep(ACCEPT_AGAIN).await;
    }
    connection
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
        .serve_with_incoming(connections.then(unhurried));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_accepted_is_asked_for_after_a_pause_and_nothing_else() {
        let no_descriptors = || io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error());
        let given_up = io::Error::from(io::ErrorKind::ConnectionAborted);
        let came = [Ok(1), Err(no_descriptors()), Err(given_up), Err(no_descriptors()), Ok(2)];
        let start = tokio::time::Instant::now();
        let accepted: Vec<_> =
            futures::stream::iter(came).then(unhurried).filter_map(async |one| one.ok()).collect().await;
        assert_eq!(accepted, [1, 2]);
        assert_eq!(start.elapsed(), 2 * ACCEPT_AGAIN);
    }
}
