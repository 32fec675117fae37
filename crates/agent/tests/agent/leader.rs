//! A leader played by the test: it welcomes agents, answers as it is told to, and keeps what
//! they said.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use baton_api::agents_server::{Agents, AgentsServer};
use baton_api::{
    Assignment, AttemptKey, BeginAnswer, FromAgent, Hello, LEADER_METADATA, Refused, Renewed, Report,
    ReportAcknowledged, Stop, ToAgent, Welcome, from_agent, to_agent,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use crate::bench::eventually;

/// How the leader behaves, and what it has heard.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) lease_ms: u64,
    /// Answers renewals.
    pub(crate) renews: bool,
    /// Commits Begins.
    pub(crate) begins: bool,
    /// Acknowledges reports.
    pub(crate) acknowledges: bool,
    pub(crate) term: u64,
    /// What is under way as far as the leader knows, and what of it shall end: sent again to whoever greets it.
    assigned: BTreeMap<u64, Assignment>,
    stopped: BTreeMap<u64, Stop>,
    pub(crate) hellos: Vec<Hello>,
    pub(crate) begun: Vec<AttemptKey>,
    pub(crate) reports: Vec<Report>,
    /// Leads no more, and names another.
    pub(crate) succeeded_by: Option<String>,
    /// Lets nobody in, and says why.
    pub(crate) refuses: Option<String>,
    session: Option<mpsc::UnboundedSender<Result<ToAgent, Status>>>,
}

/// The leader's end of the wire. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Leader {
    pub(crate) address: String,
    script: Arc<Mutex<Script>>,
}

impl Leader {
    pub(crate) async fn start() -> Leader {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let leader = Leader {
            address: listener.local_addr().unwrap().to_string(),
            script: Arc::new(Mutex::new(Script {
                lease_ms: 30_000,
                renews: true,
                begins: true,
                acknowledges: true,
                term: 1,
                assigned: BTreeMap::new(),
                stopped: BTreeMap::new(),
                hellos: Vec::new(),
                begun: Vec::new(),
                reports: Vec::new(),
                succeeded_by: None,
                refuses: None,
                session: None,
            })),
        };
        let door = AgentsServer::new(leader.clone());
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = tonic::transport::Server::builder().add_service(door);
        tokio::spawn(server.serve_with_incoming(incoming));
        leader
    }

    pub(crate) fn script<T>(&self, look: impl FnOnce(&mut Script) -> T) -> T {
        look(&mut self.script.lock().unwrap())
    }

    /// Sends on the newest session; one that has just been left hears nothing.
    pub(crate) fn send(&self, message: to_agent::Message) {
        let message = Some(message);
        let session = self.script(|script| script.session.clone());
        if let Some(session) = session {
            let _ = session.send(Ok(ToAgent { message }));
        }
    }

    pub(crate) fn assign(&self, assignment: Assignment) {
        let token = assignment.key.as_ref().map_or(0, |key| key.token);
        self.script(|script| script.assigned.insert(token, assignment.clone()));
        self.send(to_agent::Message::Assignment(assignment));
    }

    pub(crate) fn stop(&self, key: AttemptKey, reason: &str) {
        let (token, reason) = (key.token, reason.to_owned());
        let stop = Stop { key: Some(key), reason };
        self.script(|script| script.stopped.insert(token, stop.clone()));
        self.send(to_agent::Message::Stop(stop));
    }

    /// Waits until the agent has greeted this many times.
    pub(crate) async fn hello(&self, number: usize) -> Hello {
        let hello = || self.script(|script| script.hellos.get(number - 1).cloned());
        eventually("the agent greets", hello).await
    }

    /// Waits for the first report of a token.
    pub(crate) async fn report(&self, token: u64) -> Report {
        eventually(&format!("a report of token {token}"), || self.reported(token)).await
    }

    pub(crate) fn reported(&self, token: u64) -> Option<Report> {
        self.script(|script| {
            let of = |report: &&Report| report.key.as_ref().is_some_and(|key| key.token == token);
            script.reports.iter().find(of).cloned()
        })
    }

    /// Ends the agent's session, as a death of the leader does.
    pub(crate) fn hang_up(&self) {
        self.script(|script| script.session = None);
    }

    fn hear(&self, message: from_agent::Message) {
        let answer = self.script(|script| match message {
            from_agent::Message::Hello(_) | from_agent::Message::Recount(_) => None,
            from_agent::Message::Renew(renew) => {
                let sequence = renew.sequence;
                let renews = script.renews;
                renews.then_some(to_agent::Message::Renewed(Renewed { sequence, renew_ms: None }))
            }
            from_agent::Message::Begin(begin) => {
                script.begun.extend(begin.key.clone());
                Some(to_agent::Message::BeginAnswer(BeginAnswer {
                    key: begin.key,
                    begun: script.begins,
                    reason: "withdrawn".into(),
                }))
            }
            from_agent::Message::Report(report) => {
                let key = report.key.clone();
                let token = key.as_ref().map_or(0, |key| key.token);
                script.assigned.remove(&token);
                script.stopped.remove(&token);
                script.reports.push(report);
                let acknowledges = script.acknowledges;
                let answer = ReportAcknowledged { key };
                acknowledges.then_some(to_agent::Message::ReportAcknowledged(answer))
            }
        });
        answer.into_iter().for_each(|answer| self.send(answer));
    }
}

type Down = Pin<Box<dyn Stream<Item = Result<ToAgent, Status>> + Send>>;

#[tonic::async_trait]
impl Agents for Leader {
    type SessionStream = Down;

    async fn session(&self, request: Request<Streaming<FromAgent>>) -> Result<Response<Down>, Status> {
        if let Some(leader) = self.script(|script| script.succeeded_by.clone()) {
            let mut status = Status::failed_precondition("another coordinator leads");
            status.metadata_mut().insert(LEADER_METADATA, leader.parse().unwrap());
            return Err(status);
        }
        let mut inbound = request.into_inner();
        let Some(Ok(FromAgent { message: Some(from_agent::Message::Hello(hello)) })) = inbound.next().await
        else {
            return Err(Status::invalid_argument("no greeting"));
        };
        let (session, outbound) = mpsc::unbounded_channel();
        self.script(|script| {
            let welcome = to_agent::Message::Welcome(Welcome {
                lease_ms: script.lease_ms,
                renew_ms: 100,
                leader: 1,
                term: script.term,
                ..Welcome::default()
            });
            let refused = script.refuses.clone().map(|reason| to_agent::Message::Refused(Refused { reason }));
            let message = Some(refused.unwrap_or(welcome));
            let _ = session.send(Ok(ToAgent { message }));
            script.hellos.push(hello);
            let assigned = script.assigned.values().cloned().map(to_agent::Message::Assignment);
            let stopped = script.stopped.values().cloned().map(to_agent::Message::Stop);
            for message in assigned.chain(stopped).map(Some) {
                let _ = session.send(Ok(ToAgent { message }));
            }
            script.session = Some(session);
        });
        let leader = self.clone();
        tokio::spawn(async move {
            while let Some(Ok(FromAgent { message })) = inbound.next().await {
                message.into_iter().for_each(|message| leader.hear(message));
            }
        });
        let outbound = UnboundedReceiverStream::new(outbound);
        Ok(Response::new(Box::pin(outbound)))
    }
}
