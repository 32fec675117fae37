//! The simulated network as the program's own code meets it: connections made by [`Connect`], and a listener's stream of
//! them. A connection that lost a segment never recovers, for nothing is sent twice here; who cares notices the silence.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use baton_api::connect::{Connect, Connecting};
use futures::Stream;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;
use tonic::transport::{Channel, Endpoint, Uri};
use turmoil::net::{TcpListener, TcpStream};

/// The port that every coordinator listens on.
pub(crate) const PORT: u16 = 7000;

/// One end of a connection.
pub(crate) struct Wire(TcpStream);

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl Connected for Wire {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

/// Makes connections through the simulated network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Simulated;

async fn reach(to: Uri) -> io::Result<TokioIo<Wire>> {
    let host = to.host().unwrap_or_default().to_owned();
    let stream = TcpStream::connect((host, to.port_u16().unwrap_or(PORT))).await?;
    Ok(TokioIo::new(Wire(stream)))
}

impl Connect for Simulated {
    fn lazily(&self, to: &Endpoint) -> Channel {
        to.connect_with_connector_lazy(tower::service_fn(reach))
    }

    fn now(&self, to: &Endpoint) -> Connecting {
        let to = to.clone();
        Box::pin(async move { to.connect_with_connector(tower::service_fn(reach)).await })
    }
}

/// Listens on the host that this is called on.
pub(crate) async fn listen() -> io::Result<impl Stream<Item = io::Result<Wire>>> {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    Ok(futures::stream::unfold(listener, |listener| async move {
        let accepted = listener.accept().await.map(|(stream, _)| Wire(stream));
        Some((accepted, listener))
    }))
}
