//! The way to a member's door in the same process, over pipes in memory: for tests.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::task::{Context, Poll};

use baton_api::connect::{Connect, Connecting};
use baton_api::peer_server::{Peer, PeerServer};
use futures::StreamExt as _;
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::codegen::Service;
use tonic::transport::{Channel, Endpoint, Server, Uri};

const PIPE_BYTES: usize = 1 << 20;

/// Leads to one door, whatever the address.
#[derive(Debug, Clone)]
pub(crate) struct Pipes(mpsc::UnboundedSender<DuplexStream>);

impl Pipes {
    /// Serves this door for as long as the runtime runs.
    pub(crate) fn to<P: Peer>(door: PeerServer<P>) -> Self {
        let (pipes, connections) = mpsc::unbounded_channel();
        let connections = UnboundedReceiverStream::new(connections).map(Ok::<_, Infallible>);
        tokio::spawn(Server::builder().add_service(door).serve_with_incoming(connections));
        Self(pipes)
    }
}

impl Connect for Pipes {
    fn lazily(&self, to: &Endpoint) -> Channel {
        to.connect_with_connector_lazy(self.clone())
    }

    fn now(&self, to: &Endpoint) -> Connecting {
        let (to, pipes) = (to.clone(), self.clone());
        Box::pin(async move { to.connect_with_connector(pipes).await })
    }
}

impl Service<Uri> for Pipes {
    type Response = TokioIo<DuplexStream>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (near, far) = tokio::io::duplex(PIPE_BYTES);
        let sent = self.0.send(far).map_err(io::Error::other);
        ready(sent.map(|()| TokioIo::new(near)))
    }
}
