//! A member's door, as it is or as it was before there were streams of entries.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use baton_api::peer_server::PeerServer;
use baton_node::grpc::peer::PeerService;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::NamedService;

const STREAM: &str = "/baton.v1.Peer/Replicate";

type Answer = http::Response<Body>;

/// Counts the streams that it is asked for.
#[derive(Clone)]
pub(crate) struct Door {
    door: PeerServer<PeerService>,
    older: bool,
    streams: Arc<AtomicUsize>,
}

impl Door {
    pub(crate) fn of(door: PeerServer<PeerService>, older: bool) -> Self {
        Self { door, older, streams: Arc::default() }
    }

    pub(crate) fn streams(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.streams)
    }
}

impl NamedService for Door {
    const NAME: &'static str = <PeerServer<PeerService> as NamedService>::NAME;
}

impl Service<http::Request<Body>> for Door {
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() == STREAM {
            self.streams.fetch_add(1, Ordering::Relaxed);
            if self.older {
                // As a server answers that has no such method.
                return Box::pin(async { Ok(Status::unimplemented("").into_http()) });
            }
        }
        Box::pin(self.door.call(request))
    }
}
