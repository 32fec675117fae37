//! Connections to coordinators, kept while they work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use baton_api::connect::Connect;
use tonic::transport::{Channel, Endpoint};

/// A coordinator that does not even take a connection in this time is passed over.
const CONNECT: Duration = Duration::from_secs(1);
/// A peer that is stopped, or cut off without a goodbye, is noticed by its missing answers to
/// these questions: after both times at the latest.
const KEEPALIVE: Duration = Duration::from_millis(500);
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(1);

/// One connection for each address.
#[derive(Debug)]
pub(crate) struct Channels {
    connect: Arc<dyn Connect>,
    open: Mutex<BTreeMap<String, Channel>>,
}

impl Channels {
    /// None yet.
    pub(crate) fn over(connect: Arc<dyn Connect>) -> Self {
        Self { connect, open: Mutex::default() }
    }

    /// The connection to an address, made now if there is none.
    pub(crate) async fn to(&self, address: &str) -> Result<Channel, String> {
        if let Some(channel) = self.kept(address) {
            return Ok(channel);
        }
        let connecting = self.connect.now(&endpoint(address)?);
        let channel = connecting.await.map_err(|error| innermost(&error))?;
        let mut open = self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        open.insert(address.to_owned(), channel.clone());
        Ok(channel)
    }

    /// Forgets a connection that has failed, so that the next one is made afresh and a
    /// refused connection can be told from a lost answer.
    pub(crate) fn forget(&self, address: &str) {
        self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(address);
    }

    fn kept(&self, address: &str) -> Option<Channel> {
        self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get(address).cloned()
    }
}

/// Checks an address without connecting to it.
pub(crate) fn endpoint(address: &str) -> Result<Endpoint, String> {
    let wrong = || format!("`{address}` is not an address: HOST:PORT is expected, as in 127.0.0.1:7001");
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    if host.is_empty() || host.contains('/') || port.parse::<u16>().is_err() {
        return Err(wrong());
    }
    let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(|_| wrong())?;
    Ok(endpoint
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_ANSWER)
        .keep_alive_while_idle(true))
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_an_address_is_refused_with_an_example() {
        for wrong in ["", "7001", ":7001", "host:", "host:70000", "http://host:7001", "ho st:1"] {
            assert!(endpoint(wrong).unwrap_err().contains("HOST:PORT"), "{wrong}");
        }
        for right in ["127.0.0.1:7001", "localhost:1", "[::1]:7001"] {
            assert!(endpoint(right).is_ok(), "{right}");
        }
    }
}
