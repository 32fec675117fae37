//! Finding the leader: every coordinator is asked at once, and who leads answers with a welcome.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use baton_api::agents_client::AgentsClient;
use baton_api::connect::Connect;
use baton_api::{FromAgent, LEADER_METADATA, ToAgent, to_agent};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::transport::Endpoint;
use tonic::{Code, Status, Streaming};

/// A round trip around the world, and a lost packet.
const CONNECT: Duration = Duration::from_secs(1);

/// Connecting, Hello and Welcome together. A coordinator that is stopped accepts connections and
/// says nothing.
const HANDSHAKE: Duration = Duration::from_millis(1500);

/// A session's two directions, and what the leader said about it.
pub(super) struct Link {
    pub(super) inbound: Streaming<ToAgent>,
    outbound: mpsc::UnboundedSender<FromAgent>,
    pub(super) lease_ms: u64,
    pub(super) renew_ms: u64,
    pub(super) leader: u64,
    pub(super) term: u64,
    pub(super) epoch: u64,
    /// It asks first what was done.
    pub(super) recount: bool,
    servers: Vec<String>,
}

impl Link {
    /// Sends; a reason when the stream is gone.
    pub(super) fn say(&self, message: FromAgent) -> Option<String> {
        let gone = self.outbound.send(message).is_err();
        gone.then(|| "the stream is closed".to_owned())
    }
}

/// What came of the search.
pub(super) enum Found {
    Welcomed(Box<Link>),
    Refused(String),
}

/// What one coordinator said.
enum Said {
    Welcome(Box<Link>),
    Refused(String),
    /// It does not lead, and names who does.
    Leader(String),
    /// Nothing that helps; why.
    Nothing(String),
}

/// Knows whom to ask, and what was learned on the way.
pub(super) struct Seeker {
    connect: Arc<dyn Connect>,
    /// Those that it was given.
    servers: Vec<String>,
    /// Those that the last leader named: members come and go.
    learned: Vec<String>,
    /// The newest epoch, and the highest term in it: after a restore terms begin anew.
    highest: (u64, u64),
}

impl Seeker {
    pub(super) fn new(servers: Vec<String>, connect: Arc<dyn Connect>) -> Seeker {
        Seeker { connect, servers, learned: Vec::new(), highest: (0, 0) }
    }

    /// Asks all coordinators, and whoever they name, again and again until one leads. Each is asked
    /// on its own, so that one which is silent holds up nobody.
    pub(super) async fn seek(&mut self, hello: impl Fn() -> FromAgent) -> Found {
        let mut asked = BTreeMap::new();
        let mut asking = JoinSet::new();
        let ask = |server: String, pause| ask(Arc::clone(&self.connect), server, hello(), pause);
        for server in self.servers.iter().chain(&self.learned) {
            if asked.insert(server.clone(), 0).is_none() {
                asking.spawn(ask(server.clone(), Duration::ZERO));
            }
        }
        let mut last_reason = String::new();
        loop {
            let Some(Ok((server, said))) = asking.join_next().await else {
                // Only an agent without servers comes here; it has nothing to do.
                sleep(Duration::from_secs(1)).await;
                continue;
            };
            let reason = match said {
                Said::Welcome(link) if (link.epoch, link.term) >= self.highest => {
                    self.highest = (link.epoch, link.term);
                    self.learned.clone_from(&link.servers);
                    return Found::Welcomed(link);
                }
                Said::Refused(reason) => return Found::Refused(reason),
                Said::Welcome(_) => format!("{server} has been succeeded by another leader"),
                Said::Leader(leader) => {
                    if !asked.contains_key(&leader) {
                        asked.insert(leader.clone(), 0);
                        asking.spawn(ask(leader.clone(), Duration::ZERO));
                    }
                    format!("{server} says that {leader} leads")
                }
                Said::Nothing(reason) => reason,
            };
            if reason != last_reason {
                tracing::debug!(reason, "not connected");
                last_reason = reason;
            }
            let times = asked.entry(server.clone()).or_default();
            asking.spawn(ask(server, pause(*times)));
            *times += 1;
        }
    }
}

/// Not all agents at once, and not so rarely that a new leader has to wait for them: soon after a change, which is over
/// in a moment where it was wanted, and more rarely once it lasts.
fn pause(times: u32) -> Duration {
    let shortest_ms = 5 << times.min(3);
    Duration::from_millis(fastrand::u64(shortest_ms..3 * shortest_ms))
}

async fn ask(connect: Arc<dyn Connect>, server: String, hello: FromAgent, pause: Duration) -> (String, Said) {
    sleep(pause).await;
    let said = timeout(HANDSHAKE, shake_hands(&*connect, &server, hello)).await;
    let said = said.unwrap_or_else(|_| Said::Nothing(format!("{server} does not answer")));
    (server, said)
}

async fn shake_hands(connect: &dyn Connect, server: &str, hello: FromAgent) -> Said {
    let endpoint = match Endpoint::from_shared(format!("http://{server}")) {
        Ok(endpoint) => endpoint.connect_timeout(CONNECT).tcp_nodelay(true),
        Err(error) => return Said::Nothing(format!("{server} is no address: {error}")),
    };
    let channel = match connect.now(&endpoint).await {
        Ok(channel) => channel,
        Err(error) => return Said::Nothing(format!("{server} cannot be reached: {error}")),
    };
    let (outbound, messages) = mpsc::unbounded_channel();
    // The stream is ours and open, so the first message cannot fail.
    let _ = outbound.send(hello);
    let stream = UnboundedReceiverStream::new(messages);
    let mut inbound = match AgentsClient::new(channel).session(stream).await {
        Ok(response) => response.into_inner(),
        Err(status) => return declined(server, &status),
    };
    match inbound.message().await {
        Ok(Some(ToAgent { message: Some(to_agent::Message::Welcome(welcome)) })) => {
            Said::Welcome(Box::new(Link {
                inbound,
                outbound,
                lease_ms: welcome.lease_ms,
                renew_ms: welcome.renew_ms,
                leader: welcome.leader,
                term: welcome.term,
                epoch: welcome.epoch,
                recount: welcome.recount,
                servers: welcome.servers,
            }))
        }
        Ok(Some(ToAgent { message: Some(to_agent::Message::Refused(refused)) })) => {
            Said::Refused(refused.reason)
        }
        Ok(_) => Said::Nothing(format!("{server} did not answer the greeting")),
        Err(status) => declined(server, &status),
    }
}

fn declined(server: &str, status: &Status) -> Said {
    if status.code() != Code::FailedPrecondition {
        return Said::Nothing(format!("{server}: {}", status.message()));
    }
    let leader = status.metadata().get(LEADER_METADATA);
    match leader.and_then(|leader| leader.to_str().ok()).filter(|leader| !leader.is_empty()) {
        Some(leader) => Said::Leader(leader.to_owned()),
        None => Said::Nothing("no coordinator leads".into()),
    }
}
