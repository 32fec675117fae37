//! One term of office, from taking it to losing it. A new leader does what its predecessor did:
//! it reads the state and acts on it. There is no other machinery for a takeover.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use baton_engine::Command;
use baton_engine::command::Speaker;
use tokio::sync::watch;

use crate::config::Config;
use crate::leader::clock::Clock;
use crate::leader::conditions;
use crate::leader::leases::{Before, Leases, Renewal, Terms};
use crate::leader::preference;
use crate::leader::propose::{ProposeError, Proposer};
use crate::leader::sessions::Sessions;
use crate::raft::Cluster;

/// Clocks may differ in rate, and a lease's end must be certain before anyone acts on it.
const LEASE_MARGIN: Duration = Duration::from_millis(500);
/// So many heartbeats of a quorum may fail to come in time.
const HEARTBEATS_IN_MARGIN: u32 = 5;
/// The longest time between two looks at the leases.
const LOOK_AT_LEASES: Duration = Duration::from_millis(250);
/// Pause before a take-over that failed for want of a quorum is tried again.
pub(super) const TRY_AGAIN: Duration = Duration::from_millis(50);

/// Pause before a leader that was elected a moment ago asks again whether it has everything.
const CATCH_UP: Duration = Duration::from_millis(5);

/// What a leader has while it leads.
pub(crate) struct Office {
    /// The term in which it leads.
    pub(crate) term: u64,
    /// The only way into the log.
    pub(crate) proposer: Proposer,
    /// Cluster time.
    pub(crate) clock: Clock,
    cluster: Cluster,
    /// See [`margin`].
    margin: Duration,
    leases: Mutex<Leases>,
    sessions: Mutex<Sessions>,
    over: watch::Sender<bool>,
}

/// The current office, if this coordinator leads.
pub(crate) type CurrentOffice = watch::Receiver<Option<Arc<Office>>>;

/// Follows leadership: takes office when this coordinator is elected, leaves it when it is not.
pub(crate) async fn follow_leadership(
    config: Arc<Config>,
    cluster: Cluster,
    current: watch::Sender<Option<Arc<Office>>>,
) {
    let mut leadership = cluster.leadership();
    loop {
        let (leads, term) = {
            let seen = leadership.borrow_and_update();
            (seen.leads, seen.term)
        };
        if leads {
            let changed = leadership.clone();
            tokio::select! {
                () = hold_office(&config, &cluster, term, &current) => {}
                () = lost(changed, term) => {}
            }
            if let Some(office) = current.send_replace(None) {
                tracing::info!(term, "left office");
                office.over.send_replace(true);
            }
        }
        if leadership.changed().await.is_err() {
            return;
        }
    }
}

async fn lost(mut leadership: watch::Receiver<crate::raft::Leadership>, term: u64) {
    // An error means that raft has stopped, which ends the office too.
    let _ = leadership.wait_for(|seen| !seen.leads || seen.term != term).await;
}

/// Returns once a flag is set, or its owner is gone.
pub(crate) async fn came_true(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|set| *set).await;
}

async fn hold_office(
    config: &Config,
    cluster: &Cluster,
    term: u64,
    current: &watch::Sender<Option<Arc<Office>>>,
) {
    let Some(office) = take_office(config, cluster, term).await else {
        return;
    };
    tracing::info!(term, "took office");
    current.send_replace(Some(Arc::clone(&office)));
    tokio::join!(
        office.expire_leases(),
        office.keep_deadlines(),
        conditions::evaluate(&office.proposer, cluster),
        preference::follow(config, cluster)
    );
}

/// Everything committed before is applied, then the office is written into the log: from that
/// entry on, nothing that an earlier leader proposes counts.
async fn take_office(config: &Config, cluster: &Cluster, term: u64) -> Option<Arc<Office>> {
    while let Err(reason) = cluster.linearize().await {
        tracing::debug!(term, %reason, "cannot take office yet");
        tokio::time::sleep(CATCH_UP).await;
    }
    let clock = Clock::from(cluster.machine().time_ms());
    let proposer = Proposer::start(cluster.clone(), clock.clone(), term);
    loop {
        match proposer.propose(Command::TakeOffice { node: config.id }).await {
            Ok(_) => break,
            Err(ProposeError::Rejected(_)) => return None,
            Err(ProposeError::NotLeader) if already_in_office(cluster, config.id, term) => break,
            Err(reason) => {
                tracing::debug!(term, %reason, "cannot take office yet");
                tokio::time::sleep(TRY_AGAIN).await;
            }
        }
    }
    let margin = margin(config);
    let (lease, renew) = (Duration::from_millis(config.lease_ms), Duration::from_millis(config.renew_ms));
    let mut leases = Leases::new(Terms { lease, margin, renew });
    let now = Instant::now();
    cluster.machine().read(|state| {
        let live = state.agents.by_name.values().filter(|agent| agent.live);
        live.for_each(|agent| drop(leases.grant(agent.join.speaker.clone(), now)));
    });
    Some(Arc::new(Office {
        term,
        proposer,
        clock,
        cluster: cluster.clone(),
        margin,
        leases: Mutex::new(leases),
        sessions: Mutex::default(),
        over: watch::Sender::new(false),
    }))
}

/// By how much a leader lets a lease run on, and how long a quorum may be silent before the leader promises nothing more.
/// A quorum is heard of once a heartbeat, and some of those come late.
fn margin(config: &Config) -> Duration {
    LEASE_MARGIN.max(HEARTBEATS_IN_MARGIN * Duration::from_millis(config.heartbeat_ms))
}

/// A proposal whose answer was lost may have been committed all the same.
fn already_in_office(cluster: &Cluster, node: u64, term: u64) -> bool {
    cluster.machine().read(|state| state.office.term == term && state.office.node == node)
}

impl Office {
    /// Becomes true when this office is over.
    pub(crate) fn over(&self) -> watch::Receiver<bool> {
        self.over.subscribe()
    }

    /// See [`Leases::admit`].
    pub(crate) fn grant_lease(&self, speaker: &Speaker) -> Option<Before> {
        self.leases().admit(speaker, Instant::now())
    }

    /// See [`Leases::take_back`].
    pub(crate) fn take_lease_back(&self, speaker: &Speaker, before: Before) {
        self.leases().take_back(speaker, before);
    }

    /// A quorum follows this leader, so that what it promises an agent now holds. A newer leader gives every agent a
    /// whole lease from its election on, and the margin: a promise may be as much older than that as the margin allows,
    /// and no more. Without a quorum an agent is better off looking for that leader.
    pub(crate) fn is_followed(&self) -> bool {
        self.cluster.is_followed(self.margin)
    }

    /// When this renewal is to be answered: how long until the next, see [`Leases::renew`].
    pub(crate) fn renew_lease(&self, speaker: &Speaker, renewal: Renewal) -> Option<Duration> {
        self.is_followed().then(|| self.leases().renew(speaker, renewal, Instant::now())).flatten()
    }

    /// See [`Leases::first_pace`].
    pub(crate) fn first_pace(&self) -> Duration {
        self.leases().first_pace()
    }

    /// See [`Leases::await_soon`].
    pub(crate) fn await_soon(&self, speaker: &Speaker) {
        self.leases().await_soon(speaker, Instant::now());
    }

    /// Opens a session, see [`Sessions::open`].
    pub(crate) fn open_session(
        &self,
        speaker: &Speaker,
        host: &str,
    ) -> Result<watch::Receiver<bool>, String> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).open(speaker, host)
    }

    fn leases(&self) -> std::sync::MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Proposes the expiry of leases that are over: one leader's opinion becomes everybody's
    /// knowledge only through the log (semantics R6).
    async fn expire_leases(self: &Arc<Self>) {
        loop {
            let longest = Instant::now() + LOOK_AT_LEASES;
            let next =
                if self.is_followed() { self.leases().next_end(longest).min(longest) } else { longest };
            tokio::time::sleep_until(next.into()).await;
            let expired = self.leases().expired(Instant::now(), self.is_followed());
            for speaker in expired {
                tracing::warn!(agent = %speaker.agent, "an agent's lease ran out");
                tokio::spawn(expire(Arc::clone(self), speaker));
            }
        }
    }

    /// Proposes a tick when, and only when, a deadline of the state has passed: an idle cluster
    /// writes nothing.
    async fn keep_deadlines(&self) {
        let mut applied = self.cluster.machine().applied();
        loop {
            applied.borrow_and_update();
            let deadline = self.cluster.machine().read(|state| state.next_deadline_ms());
            match deadline {
                None => {
                    if applied.changed().await.is_err() {
                        return;
                    }
                }
                Some(time_ms) => tokio::select! {
                    () = tokio::time::sleep(self.clock.until(time_ms)) => {
                        // A tick that fails is proposed again by the next round.
                        if self.proposer.propose(Command::Tick).await.is_err() {
                            tokio::time::sleep(TRY_AGAIN).await;
                        }
                    }
                    _ = applied.changed() => {}
                },
            }
        }
    }
}

/// Until it is known to be in the log, or this leader is not asked any more.
async fn expire(office: Arc<Office>, speaker: Speaker) {
    while let Err(ProposeError::Unknown(_)) =
        office.proposer.propose(Command::ExpireAgent { speaker: speaker.clone() }).await
    {
        tokio::time::sleep(TRY_AGAIN).await;
    }
    office.leases().ended(&speaker);
}
