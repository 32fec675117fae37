//! Connections to the other members: made when first used, kept, and made again by themselves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use baton_api::connect::Connect;
use baton_api::peer_client::PeerClient;
use baton_api::{IdentifyRequest, Identity};
use baton_storage::codec::BODY_LIMIT;
use tonic::transport::{Channel, Endpoint};

/// The largest message between members, in bytes: whatever can be written can be sent.
pub(crate) const MESSAGE_LIMIT: usize = BODY_LIMIT + (1 << 20);

const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// A connection that was cut is noticed by missing answers to these questions, and made anew as soon as it can be: TCP by
/// itself tries again more and more rarely, up to two minutes after a cut has healed.
const KEEPALIVE: Duration = Duration::from_secs(1);
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(2);

/// What a connection is for: a long message must not hold up a heartbeat behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    Log,
    Heartbeat,
    Snapshot,
}

/// All of them; a clone shares them.
#[derive(Clone)]
pub(crate) struct Peers {
    connect: Arc<dyn Connect>,
    channels: Arc<Mutex<BTreeMap<(String, Purpose), Channel>>>,
    refusals: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Peers {
    /// None yet.
    pub(crate) fn over(connect: Arc<dyn Connect>) -> Self {
        Self { connect, channels: Arc::default(), refusals: Arc::default() }
    }

    /// A client for the member at `address`.
    pub(crate) fn client(
        &self,
        address: &str,
        purpose: Purpose,
    ) -> Result<PeerClient<Channel>, tonic::transport::Error> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (address.to_owned(), purpose);
        let channel = match channels.get(&key) {
            Some(channel) => channel.clone(),
            None => {
                let endpoint = Endpoint::from_shared(format!("http://{address}"))?
                    .connect_timeout(CONNECT_WITHIN)
                    .tcp_nodelay(true)
                    .http2_keep_alive_interval(KEEPALIVE)
                    .keep_alive_timeout(KEEPALIVE_ANSWER)
                    .keep_alive_while_idle(true);
                let channel = self.connect.lazily(&endpoint);
                channels.insert(key, channel.clone());
                channel
            }
        };
        Ok(PeerClient::new(channel)
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT))
    }

    /// Logs why the member at `address` refuses this one, once for each reason: it is asked many
    /// times a second.
    pub(crate) fn note_refusal(&self, address: &str, reason: &str) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.get(address).map(String::as_str) != Some(reason) {
            tracing::warn!(address, reason, "a member refuses this one");
            refusals.insert(address.to_owned(), reason.to_owned());
        }
    }

    /// Asks who is at `address`; `None` where nobody answers in time.
    pub(crate) async fn identify(
        &self,
        asker: IdentifyRequest,
        address: &str,
        within: Duration,
    ) -> Option<Identity> {
        let mut client = self.client(address, Purpose::Heartbeat).ok()?;
        let answer = client.identify(asker);
        let answer = tokio::time::timeout(within, answer).await.ok()?.ok()?;
        Some(answer.into_inner())
    }
}
