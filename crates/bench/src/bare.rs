//! What a message each way costs with nothing behind it: the agents' stream, answered by a server of one thread that only
//! answers.

use std::net::SocketAddr;
use std::pin::Pin;

use anyhow::Context as _;
use baton_api::agents_server::{Agents, AgentsServer};
use baton_api::{FromAgent, Renewed, ToAgent, Welcome, from_agent, to_agent};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use crate::machine::thread_seconds;

/// The server; it ends when it is dropped.
pub(crate) struct Bare {
    pub(crate) address: SocketAddr,
    thread: i32,
    _stop: oneshot::Sender<()>,
}

impl Bare {
    /// Starts it; agents are told to renew that often.
    ///
    /// # Errors
    /// If no thread or port is to be had.
    pub(crate) async fn start(renew_ms: u64) -> anyhow::Result<Bare> {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        std::thread::Builder::new().name("bare".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                let thread = rustix::thread::gettid().as_raw_nonzero().get();
                // Whoever asked may be gone.
                let _ = tell.send((listener.local_addr()?, thread));
                let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
                let server = Server::builder().add_service(AgentsServer::new(Answers { renew_ms }));
                tokio::select! {
                    served = server.serve_with_incoming(incoming) => served?,
                    _ = stopped => {}
                }
                anyhow::Ok(())
            })
        })?;
        let (address, thread) = told.await.context("the bare server did not start")?;
        Ok(Bare { address, thread, _stop: stop })
    }

    /// Processor time that it has used so far, seconds.
    pub(crate) fn seconds(&self) -> f64 {
        thread_seconds(self.thread)
    }
}

struct Answers {
    renew_ms: u64,
}

#[tonic::async_trait]
impl Agents for Answers {
    type SessionStream = Pin<Box<dyn Stream<Item = Result<ToAgent, Status>> + Send>>;

    async fn session(
        &self,
        request: Request<Streaming<FromAgent>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let renew_ms = self.renew_ms;
        let answer = move |heard: Result<FromAgent, Status>| {
            let message = Some(match heard?.message {
                Some(from_agent::Message::Renew(renew)) => {
                    to_agent::Message::Renewed(Renewed { sequence: renew.sequence, renew_ms: Some(renew_ms) })
                }
                _ => to_agent::Message::Welcome(Welcome { renew_ms, ..Welcome::default() }),
            });
            Ok(ToAgent { message })
        };
        Ok(Response::new(Box::pin(request.into_inner().map(answer))))
    }
}
