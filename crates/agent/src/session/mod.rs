//! The stream to the leader, kept up for as long as the agent lives. What is said on it goes to
//! the ledger; wire types stop at `convert.rs`.

mod connect;
mod convert;
mod pace;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use baton_api::ToAgent;
use baton_api::connect::Connect;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::attempt::{Key, Report};
use crate::config::Config;
use crate::lease::Renewals;
use crate::ledger::Event;
use crate::machine::Machine;
use connect::{Found, Link, Seeker};
use convert::Down;
#[cfg(fuzzing)]
pub(crate) use convert::{Down as Said, down};
use pace::Pace;

/// Who this agent is, for Hello.
pub(crate) struct Identity {
    pub(crate) config: Config,
    pub(crate) incarnation: String,
    pub(crate) host: String,
    pub(crate) boot: String,
    pub(crate) held: watch::Receiver<BTreeMap<u64, Key>>,
    pub(crate) machine: Arc<dyn Machine>,
    pub(crate) connect: Arc<dyn Connect>,
}

/// What the agent says to the leader.
#[derive(Debug, Clone)]
pub(crate) enum Up {
    Begin(Key),
    Recount { held: Vec<Key>, over: Vec<Key> },
    Report(Report),
}

/// In a lease, its end is written down so often at most: an agent that renews all the time need not write all the time.
const WRITES_A_LEASE: u64 = 5;

/// Pause after a leader refused this agent: only a person can change that.
const REFUSED: Duration = Duration::from_secs(2);

/// Finds the leader, talks to it, and finds the next one, for ever.
pub(crate) async fn keep(
    identity: Identity,
    events: mpsc::UnboundedSender<Event>,
    mut outbound: mpsc::UnboundedReceiver<Up>,
) {
    let mut seeker = Seeker::new(identity.config.servers.clone(), Arc::clone(&identity.connect));
    loop {
        match seeker.seek(|| convert::hello(&identity)).await {
            Found::Welcomed(link) => {
                let now_ns = identity.machine.boottime_ns();
                let session = Session {
                    identity: &identity,
                    events: &events,
                    renewals: Renewals::new(link.lease_ms, now_ns),
                    pace: Pace::new(link.renew_ms, now_ns),
                    written_ns: 0,
                    link,
                };
                match session.talk(&mut outbound).await {
                    Ended::Lost(why) => tracing::info!(why, "the session ended; looking for the leader"),
                    Ended::Refused(reason) => {
                        tracing::error!(reason, "the leader refuses this agent");
                        sleep(REFUSED).await;
                    }
                }
                // Nobody listens any more once the agent is ending.
                let _ = events.send(Event::Disconnected);
            }
            Found::Refused(reason) => {
                tracing::error!(reason, "the leader refuses this agent");
                sleep(REFUSED).await;
            }
        }
    }
}

/// Why a session is over.
enum Ended {
    /// The stream broke, went silent, or the agent is ending.
    Lost(String),
    /// The leader does not want this agent.
    Refused(String),
}

struct Session<'a> {
    identity: &'a Identity,
    events: &'a mpsc::UnboundedSender<Event>,
    renewals: Renewals,
    pace: Pace,
    /// The lease's end as it was written down last.
    written_ns: u64,
    link: Box<Link>,
}

impl Session<'_> {
    /// Talks until the stream breaks or goes silent; says why.
    async fn talk(mut self, outbound: &mut mpsc::UnboundedReceiver<Up>) -> Ended {
        // What was meant for the last leader is decided anew for this one.
        while outbound.try_recv().is_ok() {}
        tracing::info!(leader = self.link.leader, term = self.link.term, "connected");
        // Before anything else is said, and in one go with it.
        if self.link.recount && self.events.send(Event::AskedToRecount).is_err() {
            return Ended::Lost("the agent is ending".into());
        }
        if self.events.send(Event::Connected).is_err() {
            return Ended::Lost("the agent is ending".into());
        }
        loop {
            let due = self.next_look();
            let gone = tokio::select! {
                message = self.link.inbound.message() => match message {
                    Ok(Some(message)) => self.hear(message),
                    Ok(None) => Some(Ended::Lost("the leader closed it".into())),
                    Err(status) => Some(Ended::Lost(status.message().to_owned())),
                },
                Some(up) = outbound.recv() => self.link.say(convert::up(up)).map(Ended::Lost),
                () = sleep(due) => self.look_at_the_clock().map(Ended::Lost),
            };
            if let Some(why) = gone {
                return why;
            }
        }
    }

    /// How long until the next renewal is due, or the leader has been silent for too long.
    fn next_look(&self) -> Duration {
        let now_ns = self.identity.machine.boottime_ns();
        let patience_ns = self.pace.patience_ns().saturating_sub(self.renewals.silent_ns(now_ns));
        Duration::from_nanos(patience_ns.min(self.pace.next_ns().saturating_sub(now_ns)))
    }

    fn look_at_the_clock(&mut self) -> Option<String> {
        let now_ns = self.identity.machine.boottime_ns();
        if self.renewals.silent_ns(now_ns) >= self.pace.patience_ns() {
            return Some("the leader has gone silent".into());
        }
        if now_ns < self.pace.next_ns() {
            return None;
        }
        self.pace.sent(now_ns);
        let (sequence, answered) = self.renewals.send(now_ns);
        self.link.say(convert::renew(sequence, answered))
    }

    fn hear(&mut self, message: ToAgent) -> Option<Ended> {
        let now_ns = self.identity.machine.boottime_ns();
        self.renewals.heard(now_ns);
        let event = match convert::down(message) {
            Ok(Down::Event(event)) => {
                if matches!(event, Event::Assigned(_)) {
                    self.pace.hurry(self.link.lease_ms, now_ns);
                }
                event
            }
            Ok(Down::Renewed { sequence, renew_ms }) => {
                let until_ns = self.renewals.answered(sequence)?;
                self.pace.answered(renew_ms, now_ns, fastrand::f64());
                self.write_deadline(until_ns);
                Event::Renewed { until_ns }
            }
            Ok(Down::Refused(reason)) => return Some(Ended::Refused(reason)),
            Err(what) => {
                tracing::warn!(what, "a message of the leader is ignored");
                return None;
            }
        };
        let ending = self.events.send(event).is_err();
        ending.then(|| Ended::Lost("the agent is ending".into()))
    }

    /// The supervisors read it right before they execute. One that is not the newest is the earlier end.
    fn write_deadline(&mut self, until_ns: u64) {
        let pause_ns = self.link.lease_ms.saturating_mul(1_000_000) / WRITES_A_LEASE;
        if until_ns < self.written_ns.saturating_add(pause_ns) {
            return;
        }
        match self.identity.machine.keep_lease(until_ns) {
            Ok(()) => self.written_ns = until_ns,
            Err(error) => tracing::error!(%error, "the lease cannot be written, so nothing new will start"),
        }
    }
}
