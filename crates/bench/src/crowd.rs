//! Thousands of agents that only say that they are there: the real protocol, and nothing behind it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use baton_api::agents_client::AgentsClient;
use baton_api::{FromAgent, Hello, Recount, Renew, ToAgent, Welcome, from_agent, to_agent};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

/// Where they stand: apart, so that no step is given to them.
const REGION: &str = "crowd";
/// As the agent has it.
const CONNECT: Duration = Duration::from_secs(1);
const HANDSHAKE: Duration = Duration::from_millis(1500);
const LOOK: Duration = Duration::from_millis(5);

/// The agents; they leave when it is dropped.
pub(crate) struct Crowd {
    live: Arc<Live>,
    size: usize,
    _agents: JoinSet<()>,
}

impl Crowd {
    /// So many agents, of which so many share a connection.
    ///
    /// # Errors
    /// If an address is not understood.
    pub(crate) fn gather(servers: &[String], size: usize, a_connection: usize) -> anyhow::Result<Crowd> {
        let live = Arc::new(Live::default());
        let mut agents = JoinSet::new();
        for first in (0..size).step_by(a_connection) {
            let ways: Vec<_> = servers.iter().map(|server| way(server)).collect::<Result<_, _>>()?;
            for number in first..size.min(first + a_connection) {
                agents.spawn(stay(hello(number), ways.clone(), Arc::clone(&live)));
            }
        }
        Ok(Crowd { live, size, _agents: agents })
    }

    /// Waits until all of them have a lease from a leader of this term or a later one; how long after `begin` that was.
    ///
    /// # Errors
    /// If it takes longer than `patience`.
    pub(crate) async fn all_live(
        &self,
        term: u64,
        begin: Instant,
        patience: Duration,
    ) -> anyhow::Result<Duration> {
        loop {
            let live = self.live.since(term);
            if live == self.size {
                return Ok(begin.elapsed());
            }
            if begin.elapsed() > patience {
                bail!("{live} of {} agents are live after {} s", self.size, patience.as_secs());
            }
            sleep(LOOK).await;
        }
    }

    /// How many there are.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Renewals that were answered.
    pub(crate) fn renewals(&self) -> u64 {
        self.live.look(|_, renewals| *renewals)
    }
}

/// How many agents have a lease, by the term of the leader that gave it, and how often one was renewed.
#[derive(Default)]
struct Live(Mutex<(BTreeMap<u64, usize>, u64)>);

impl Live {
    fn look<T>(&self, look: impl FnOnce(&mut BTreeMap<u64, usize>, &mut u64) -> T) -> T {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (by_term, renewals) = &mut *seen;
        look(by_term, renewals)
    }

    fn since(&self, term: u64) -> usize {
        self.look(|by_term, _| by_term.range(term..).map(|(_, count)| count).sum())
    }
}

/// One agent's share in it.
struct Lease<'a>(&'a Live, u64);

impl<'a> Lease<'a> {
    fn of(live: &'a Live, term: u64) -> Lease<'a> {
        live.look(|by_term, _| *by_term.entry(term).or_default() += 1);
        Lease(live, term)
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.0.look(|by_term, _| *by_term.entry(self.1).or_default() -= 1);
    }
}

fn way(server: &str) -> anyhow::Result<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{server}"))?;
    Ok(endpoint.connect_timeout(CONNECT).tcp_nodelay(true).connect_lazy())
}

fn hello(number: usize) -> Hello {
    Hello {
        name: format!("crowd-{number:06}"),
        region: REGION.into(),
        incarnation: format!("{number:032x}"),
        host: format!("host-{number}"),
        boot: "1".into(),
        slots: 8,
        protocol: 1,
        swept: true,
        ..Hello::default()
    }
}

fn say(message: from_agent::Message) -> FromAgent {
    FromAgent { message: Some(message) }
}

/// A stream to the leader, welcomed.
pub(crate) struct Link {
    outbound: mpsc::UnboundedSender<FromAgent>,
    inbound: Streaming<ToAgent>,
    welcome: Welcome,
}

/// Finds the leader, talks to it, and finds the next one.
async fn stay(hello: Hello, ways: Vec<Channel>, live: Arc<Live>) {
    loop {
        let link = seek(&hello, &ways).await;
        // Whatever ended it, the next leader is looked for.
        let _ = talk(link, &live).await;
    }
}

/// As an agent does: every coordinator is asked at once, and again after a pause.
async fn seek(hello: &Hello, ways: &[Channel]) -> Link {
    let mut asking = JoinSet::new();
    let ask = |number: usize, times: u32| {
        let (way, hello) = (ways[number].clone(), hello.clone());
        async move {
            if times > 0 {
                let shortest_ms = 5 << (times - 1).min(3);
                sleep(Duration::from_millis(fastrand::u64(shortest_ms..3 * shortest_ms))).await;
            }
            (number, times, timeout(HANDSHAKE, greet(way, hello)).await)
        }
    };
    (0..ways.len()).for_each(|number| drop(asking.spawn(ask(number, 0))));
    loop {
        match asking.join_next().await {
            Some(Ok((_, _, Ok(Ok(link))))) => return link,
            Some(Ok((number, times, _))) => drop(asking.spawn(ask(number, times + 1))),
            _ => std::future::pending().await,
        }
    }
}

/// Opens a stream and says Hello.
///
/// # Errors
/// If this coordinator does not lead, or cannot be reached.
pub(crate) async fn greet(way: Channel, hello: Hello) -> anyhow::Result<Link> {
    let (outbound, messages) = mpsc::unbounded_channel();
    outbound.send(say(from_agent::Message::Hello(hello)))?;
    let stream = UnboundedReceiverStream::new(messages);
    let mut inbound = AgentsClient::new(way).session(stream).await?.into_inner();
    match inbound.message().await? {
        Some(ToAgent { message: Some(to_agent::Message::Welcome(welcome)) }) => {
            Ok(Link { outbound, inbound, welcome })
        }
        _ => bail!("not welcome"),
    }
}

/// Renews as often as it is told to, until the stream breaks or the leader falls silent.
async fn talk(mut link: Link, live: &Live) -> anyhow::Result<()> {
    if link.welcome.recount {
        link.outbound.send(say(from_agent::Message::Recount(Recount::default())))?;
    }
    let base = Duration::from_millis(link.welcome.renew_ms);
    // As `session/pace.rs` of the agent has it.
    let unhurried = Duration::from_secs(1);
    let (mut sequence, mut answered, mut pace) = (0, 0, base.max(unhurried));
    let (mut next, mut heard) = (Instant::now(), Instant::now());
    let mut lease = None;
    loop {
        tokio::select! {
            message = link.inbound.message() => {
                let Some(message) = message? else { return Ok(()) };
                let Some(to_agent::Message::Renewed(renewed)) = message.message else { continue };
                (answered, heard) = (renewed.sequence, Instant::now());
                pace = renewed.renew_ms.map_or(base, Duration::from_millis);
                live.look(|_, renewals| *renewals += 1);
                if lease.is_none() {
                    lease = Some(Lease::of(live, link.welcome.term));
                    next = heard + pace.mul_f64(fastrand::f64());
                }
            }
            () = tokio::time::sleep_until(next.into()) => {
                if heard.elapsed() > pace + 2 * pace.min(unhurried) {
                    return Ok(());
                }
                sequence += 1;
                link.outbound.send(say(from_agent::Message::Renew(Renew { sequence, answered })))?;
                next = Instant::now() + pace;
            }
        }
    }
}
