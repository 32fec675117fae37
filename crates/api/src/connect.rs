//! How connections are made: over TCP, or over what a simulator puts in its place.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use tonic::transport::{Channel, Endpoint, Error};

/// A connection that is being made.
pub type Connecting = Pin<Box<dyn Future<Output = Result<Channel, Error>> + Send>>;

/// Makes connections to the other processes of a cluster.
pub trait Connect: fmt::Debug + Send + Sync {
    /// A channel that connects when it is first used, and again whenever the connection was lost.
    fn lazily(&self, to: &Endpoint) -> Channel;

    /// A channel that is connected.
    fn now(&self, to: &Endpoint) -> Connecting;
}

/// Over TCP.
#[derive(Debug, Clone, Copy)]
pub struct Tcp;

impl Connect for Tcp {
    fn lazily(&self, to: &Endpoint) -> Channel {
        to.connect_lazy()
    }

    fn now(&self, to: &Endpoint) -> Connecting {
        let to = to.clone();
        Box::pin(async move { to.connect().await })
    }
}
