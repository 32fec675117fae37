//! The leader's end of an agent's stream: assignments down; begins, reports and renewals up.

use std::collections::BTreeSet;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use baton_api as api;
use baton_api::agents_server::Agents;
use baton_api::{from_agent, to_agent};
use baton_engine::command::{AttemptKey, Speaker};
use baton_engine::{Command, Effect, Rejection};
use baton_storage::sabotage::{self, Bug};
use futures::Stream;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use tracing::{Instrument as _, debug_span};

use crate::config::Config;
use crate::grpc::convert;
use crate::leader::leases::Renewal;
use crate::leader::office::{self, CurrentOffice, Office};
use crate::leader::propose::ProposeError;
use crate::raft::{Cluster, Watched};

/// How long a new stream may take to say who it is.
const HELLO_WITHIN: Duration = Duration::from_secs(3);
/// How long an agent is kept waiting while nobody leads, or a leader takes office; it asks the others meanwhile.
const SETTLED_WITHIN: Duration = Duration::from_millis(500);
/// Messages that may wait for a slow agent before its session is given up.
const MOST_WAITING: usize = 1024;
/// Tokens of attempts that are over which a session remembers before it looks which these are.
const FORGET_AFTER: usize = 1024;

/// Results that took longer are late, for the planted bug that drops them.
const LATE_MS: u64 = 1500;

/// The `Agents` service of one coordinator.
pub(crate) struct AgentsService {
    pub(crate) config: Arc<Config>,
    pub(crate) cluster: Cluster,
    pub(crate) office: CurrentOffice,
}

#[tonic::async_trait]
impl Agents for AgentsService {
    type SessionStream = Held;

    async fn session(
        &self,
        request: Request<Streaming<api::FromAgent>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let Some(office) = self.settled_office().await else {
            return Err(convert::not_leader(&self.cluster));
        };
        if !office.is_followed() {
            return Err(Status::unavailable("no quorum follows this coordinator; ask the others"));
        }
        let mut incoming = request.into_inner();
        let hello = tokio::time::timeout(HELLO_WITHIN, incoming.message()).await;
        let hello = hello.map_err(|_| Status::deadline_exceeded("no Hello came"))??;
        let Some(api::FromAgent { message: Some(from_agent::Message::Hello(hello)) }) = hello else {
            return Err(Status::invalid_argument("the first message of a session is Hello"));
        };
        let (outgoing, stream) = mpsc::channel(MOST_WAITING);
        let cluster = self.cluster.clone();
        let welcome = api::Welcome {
            lease_ms: self.config.lease_ms,
            renew_ms: u64::try_from(office.first_pace().as_millis()).unwrap_or(self.config.renew_ms),
            leader: self.config.id,
            term: office.term,
            servers: self.cluster.addresses(),
            ..api::Welcome::default()
        };
        // On a task of its own, so that it is not left half way where the agent hangs up.
        let opening = tokio::spawn(async move {
            let opened = Session::open(office, cluster, outgoing, hello, welcome, &mut incoming).await;
            opened.map(|(session, first)| (session, first, incoming))
        });
        let holding = async move {
            if let Ok(Some((session, first, incoming))) = opening.await {
                session.hold(first, incoming).await;
            }
        };
        Ok(Response::new(Held { holding: Some(Box::pin(holding)), messages: ReceiverStream::new(stream) }))
    }
}

/// A session's messages. It is held by whoever takes them, which is its connection: a renewal is heard and answered without
/// another task being woken for it, and there are thousands a second.
pub(crate) struct Held {
    holding: Option<BoxFuture<'static, ()>>,
    messages: ReceiverStream<Result<api::ToAgent, Status>>,
}

impl Stream for Held {
    type Item = Result<api::ToAgent, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.holding.as_mut().is_some_and(|holding| holding.as_mut().poll(context).is_ready()) {
            self.holding = None;
        }
        Pin::new(&mut self.messages).poll_next(context)
    }
}

impl AgentsService {
    /// The office, once it is clear who leads: an agent that was turned away in the moment of a change would lose more
    /// time by coming again than by waiting here.
    async fn settled_office(&self) -> Option<Arc<Office>> {
        let (mut office, mut leadership) = (self.office.clone(), self.cluster.leadership());
        let settled = async {
            loop {
                if let Some(office) = office.borrow_and_update().clone() {
                    return Some(office);
                }
                let elsewhere = {
                    let seen = leadership.borrow_and_update();
                    !seen.leads && seen.leader.is_some()
                };
                if elsewhere {
                    return None;
                }
                tokio::select! {
                    changed = office.changed() => changed.ok()?,
                    changed = leadership.changed() => changed.ok()?,
                }
            }
        };
        tokio::time::timeout(SETTLED_WITHIN, settled).await.ok().flatten()
    }
}

struct Session {
    office: Arc<Office>,
    cluster: Cluster,
    speaker: Speaker,
    outgoing: mpsc::Sender<Result<api::ToAgent, Status>>,
    replaced: watch::Receiver<bool>,
    /// Tokens and whether a stop was sent for them; each is told once a session.
    told: BTreeSet<(u64, bool)>,
    seen: u64,
    /// It has attempts, as of `seen`.
    busy: bool,
}

impl Session {
    /// Makes the agent known to the cluster, once it has shown that it hears the leader: only a round trip counts as
    /// life (the matrix's P01), and an agent says something only when it has heard the Welcome. Gives back what that
    /// was. `None` when it was refused, stayed silent, or the office is over.
    async fn open(
        office: Arc<Office>,
        cluster: Cluster,
        outgoing: mpsc::Sender<Result<api::ToAgent, Status>>,
        hello: api::Hello,
        mut welcome: api::Welcome,
        incoming: &mut Streaming<api::FromAgent>,
    ) -> Option<(Session, from_agent::Message)> {
        let held = hello.held.iter().map(convert::key).collect::<Vec<_>>();
        let admitted = match convert::join(hello) {
            Err(reason) => Err(reason),
            Ok(join) => office.open_session(&join.speaker, &join.host).map(|replaced| (join, replaced)),
        };
        let (join, replaced) = match admitted {
            Ok(admitted) => admitted,
            Err(reason) => {
                refuse(&outgoing, reason).await;
                return None;
            }
        };
        let speaker = join.speaker.clone();
        if sabotage::planted(Bug::OneWayHeartbeat) {
            office.grant_lease(&speaker);
        }
        let wanted = cluster.machine().read(|state| {
            (welcome.epoch, welcome.recount) = (state.reckoning.epoch, state.reckoning.wants(&speaker));
            welcome.recount
        });
        let welcome = api::ToAgent { message: Some(to_agent::Message::Welcome(welcome)) };
        outgoing.send(Ok(welcome)).await.ok()?;
        let recount = if wanted { Some(recounted(&speaker, incoming).await?) } else { None };
        let first = tokio::time::timeout(HELLO_WITHIN, incoming.message()).await.ok()?.ok()??.message?;
        // The lease runs from before the agent is known, so that it cannot be granted anything without one.
        // While its last lease's end is being decided it has to come again.
        let before = office.grant_lease(&speaker)?;
        // An agent that comes back after a takeover says nothing new, and costs no entry.
        let known = cluster.machine().read(|state| {
            let agent = state.agents.by_name.get(&speaker.agent);
            agent.is_some_and(|agent| agent.live && agent.join == join)
        });
        if !known {
            match office.proposer.propose(Command::JoinAgent(join)).await {
                Ok(_) => {}
                Err(ProposeError::Rejected(rejection)) => {
                    office.take_lease_back(&speaker, before);
                    refuse(&outgoing, rejection.to_string()).await;
                    return None;
                }
                // The agent comes again, to whoever leads then.
                Err(_) => return None,
            }
        }
        if let Some(recount) = recount {
            // Nothing is sent to it before that is known. If it fails, the agent comes again.
            office.proposer.propose(recount).await.ok()?;
        }
        tracing::info!(agent = %speaker.agent, "session opened");
        let session = Session {
            office,
            cluster,
            speaker,
            outgoing,
            replaced,
            told: BTreeSet::new(),
            seen: 0,
            busy: false,
        };
        session.stop_what_is_over(held).await.ok()?;
        Some((session, first))
    }

    /// Attempts that the journal still holds and the cluster has given up must end.
    async fn stop_what_is_over(&self, held: Vec<AttemptKey>) -> Result<(), Gone> {
        let over: Vec<_> = self.cluster.machine().read(|state| {
            let agent = state.agents.by_name.get(&self.speaker.agent);
            let is_open = |token| agent.is_some_and(|agent| agent.open.contains_key(&token));
            // What the cluster before a restore had granted is not over: it is heard, and has its turn.
            let over = |key: &AttemptKey| !is_open(key.token) && !state.reckoning.may_be_lost(key.token);
            held.into_iter().filter(over).collect()
        });
        for key in over {
            let reason = "the run goes on without this attempt".to_owned();
            self.send(convert::effect(Effect::Stop { key, reason })).await?;
        }
        Ok(())
    }

    async fn hold(mut self, first: from_agent::Message, mut incoming: Streaming<api::FromAgent>) {
        let mut watch = self.cluster.machine().watch(Watched::Agent(self.speaker.agent.clone()));
        let (mut over, mut replaced) = (self.office.over(), self.replaced.clone());
        let mut over = pin!(office::came_true(&mut over));
        let mut replaced = pin!(office::came_true(&mut replaced));
        let mut gone = self.hear(first).await;
        while gone.is_ok() && self.tell_news().await.is_ok() {
            let mut changed = pin!(watch.changed());
            // Most of what an agent says are renewals, after which there is nothing to tell.
            while gone.is_ok() {
                tokio::select! {
                    message = incoming.message() => gone = match message {
                        Ok(Some(api::FromAgent { message: Some(message) })) => self.hear(message).await,
                        _ => Err(Gone),
                    },
                    () = &mut changed => break,
                    () = &mut over => gone = Err(Gone),
                    () = &mut replaced => gone = Err(Gone),
                }
            }
        }
        self.office.await_soon(&self.speaker);
        tracing::info!(agent = %self.speaker.agent, "session closed");
    }

    /// Tells the agent what it should be doing and was not told in this session.
    async fn tell_news(&mut self) -> Result<(), Gone> {
        let name = &self.speaker.agent;
        let news = self.cluster.machine().read(|state| {
            let agent = state.agents.by_name.get(name);
            // Its lease was declared over while it came: it has to join again.
            let agent = agent.filter(|agent| agent.live && agent.join.speaker == self.speaker).ok_or(Gone)?;
            let was_told = |token, stop| self.told.contains(&(token, stop));
            let news = (agent.changed > self.seen)
                .then(|| (agent.changed, !agent.open.is_empty(), state.effects_for(name, was_told)));
            // What the agent holds no more is not told again either.
            if self.told.len() > 2 * agent.open.len() + FORGET_AFTER {
                self.told.retain(|(token, _)| agent.open.contains_key(token));
            }
            Ok(news)
        })?;
        let Some((changed, busy, effects)) = news else {
            return Ok(());
        };
        if busy && !self.busy {
            self.office.await_soon(&self.speaker);
        }
        (self.seen, self.busy) = (changed, busy);
        for effect in effects {
            let told = match &effect {
                Effect::Assign(assignment) => (assignment.key.token, false),
                Effect::Stop { key, .. } => (key.token, true),
            };
            self.told.insert(told);
            let stage = debug_span!(target: "stage", "send", agent = %self.speaker.agent, token = told.0);
            self.send(convert::effect(effect)).instrument(stage).await?;
        }
        Ok(())
    }

    async fn hear(&mut self, message: from_agent::Message) -> Result<(), Gone> {
        match message {
            from_agent::Message::Hello(_) | from_agent::Message::Recount(_) => Err(Gone),
            from_agent::Message::Renew(renew) => {
                let renewal =
                    Renewal { sequence: renew.sequence, confirmed: renew.answered, busy: self.busy };
                if let Some(pace) = self.office.renew_lease(&self.speaker, renewal) {
                    let renew_ms = u64::try_from(pace.as_millis()).ok();
                    let renewed = api::Renewed { sequence: renew.sequence, renew_ms };
                    self.send(to_agent::Message::Renewed(renewed)).await?;
                }
                Ok(())
            }
            from_agent::Message::Begin(begin) => {
                if let Some(key) = begin.key {
                    self.commit_begin(key);
                }
                Ok(())
            }
            from_agent::Message::Report(report) => {
                self.commit_report(report);
                Ok(())
            }
        }
    }

    /// Begins wait for their commit beside the session, so that they can share one log entry.
    fn commit_begin(&self, key: api::AttemptKey) {
        let command = Command::Begin { speaker: self.speaker.clone(), key: convert::key(&key) };
        let (office, outgoing) = (Arc::clone(&self.office), self.outgoing.clone());
        let early = sabotage::planted(Bug::SendBeforeCommit);
        tokio::spawn(async move {
            if early {
                let answer = api::BeginAnswer { key: Some(key.clone()), begun: true, reason: String::new() };
                let message = api::ToAgent { message: Some(to_agent::Message::BeginAnswer(answer)) };
                let _ = outgoing.send(Ok(message)).await;
            }
            let (begun, reason) = match office.proposer.propose(command).await {
                Ok(_) => (true, String::new()),
                Err(ProposeError::Rejected(rejection)) => (false, rejection.to_string()),
                // No answer: the agent asks again in its next session.
                Err(_) => return,
            };
            let answer = api::BeginAnswer { key: Some(key), begun, reason };
            let message = api::ToAgent { message: Some(to_agent::Message::BeginAnswer(answer)) };
            let _ = outgoing.send(Ok(message)).await;
        });
    }

    fn commit_report(&self, report: api::Report) {
        let key = report.key.clone();
        let (office, outgoing) = (Arc::clone(&self.office), self.outgoing.clone());
        let command = match convert::report(self.speaker.clone(), report) {
            Ok(command) => command,
            Err(reason) => {
                return tracing::error!(agent = %self.speaker.agent, reason, "a report cannot be read");
            }
        };
        let dropped =
            sabotage::planted(Bug::DropLateResult) && key.as_ref().is_some_and(|key| self.is_late(key));
        tokio::spawn(async move {
            match office.proposer.propose(command).await {
                _ if dropped => {}
                Ok(_) => {}
                // A report of a run that this cluster has never had can only be forgotten.
                Err(ProposeError::Rejected(rejection @ Rejection::NotFound(_))) => {
                    tracing::warn!(%rejection, "a report of something unknown is dropped");
                }
                Err(_) => return,
            }
            let acknowledged = to_agent::Message::ReportAcknowledged(api::ReportAcknowledged { key });
            let _ = outgoing.send(Ok(api::ToAgent { message: Some(acknowledged) })).await;
        });
    }

    /// The attempt began so long ago that its lease may have run out meanwhile, or another leader been elected.
    fn is_late(&self, key: &api::AttemptKey) -> bool {
        let now_ms = self.office.clock.now().time_ms;
        self.cluster.machine().read(|state| {
            let steps = state.runs.get(&key.run).map(|run| &run.steps);
            let mut attempts = steps.into_iter().flatten().flat_map(|step| &step.attempts);
            let begun = attempts.find(|attempt| attempt.token == key.token).and_then(|attempt| attempt.begun);
            begun.is_some_and(|begun| now_ms.saturating_sub(begun.stamp.time_ms) > LATE_MS)
        })
    }

    async fn send(&self, message: to_agent::Message) -> Result<(), Gone> {
        self.outgoing.send(Ok(api::ToAgent { message: Some(message) })).await.map_err(|_| Gone)
    }
}

/// What an agent's journal holds and remembers; renewals may come before it.
async fn recounted(speaker: &Speaker, incoming: &mut Streaming<api::FromAgent>) -> Option<Command> {
    loop {
        let message = tokio::time::timeout(HELLO_WITHIN, incoming.message()).await.ok()?.ok()??.message?;
        match message {
            from_agent::Message::Renew(_) => {}
            from_agent::Message::Recount(recount) => {
                let keys = |keys: Vec<api::AttemptKey>| keys.iter().map(convert::key).collect();
                let (held, over) = (keys(recount.held), keys(recount.over));
                return Some(Command::Recount { speaker: speaker.clone(), held, over });
            }
            _ => return None,
        }
    }
}

/// The other end has gone away, or this session has no business any more.
struct Gone;

async fn refuse(outgoing: &mpsc::Sender<Result<api::ToAgent, Status>>, reason: String) {
    tracing::warn!(reason, "an agent is refused");
    let refused = to_agent::Message::Refused(api::Refused { reason });
    let _ = outgoing.send(Ok(api::ToAgent { message: Some(refused) })).await;
}
