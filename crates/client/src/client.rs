//! Asking: find the leader, repeat what got no answer, give up at the deadline.

mod decisions;
mod members;
mod plans;
mod runs;
mod shared;
mod status;

pub use decisions::{Choice, Decision, Resolution};
pub use runs::{Filter, Start};

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use baton_api::connect::{Connect, Tcp};
use baton_api::operator_client::OperatorClient;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, sleep, timeout};
use tonic::transport::Channel;
use tonic::{Response, Status};

use crate::channels::{self, Channels};
use crate::route::{Move, Route};
use crate::verdict::{Verdict, judge};
use crate::{Error, NoQuorum};

/// How long a whole request may take before it ends with [`Error::NoQuorum`].
const DEADLINE: Duration = Duration::from_secs(10);
/// How long one coordinator may take: a paused one must not use up the deadline of all.
const ATTEMPT: Duration = Duration::from_millis(2500);
/// After so long without an answer another coordinator is asked as well, as those who connect by two ways do (RFC 8305,
/// section 5).
const ASK_ANOTHER: Duration = Duration::from_millis(250);
/// Pause after a round of coordinators none of which could act, and what chance adds to it.
const PAUSE_MS: std::ops::Range<u64> = 40..120;
/// A run of ten thousand steps with their outputs fits.
const MESSAGE_BYTES: usize = 256 << 20;

/// A way to talk to a cluster; clones share connections and what is known of the leader.
#[derive(Debug, Clone)]
pub struct Client {
    servers: Arc<Vec<String>>,
    channels: Arc<Channels>,
    leader: Arc<Mutex<Option<String>>>,
    deadline: Duration,
    attempt: Duration,
}

/// What one coordinator made of a call.
enum Tried<T> {
    Answered(T),
    /// The request did not leave this process.
    NotSent(String),
    Failed(Box<Status>),
    /// It took longer than it was given; nobody knows whether it has the request where that was `sent`.
    Silent {
        sent: bool,
    },
}

impl Client {
    /// A client of the cluster with these coordinators, `HOST:PORT` each. Connects when it is first asked.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is no address, or one is not understood.
    pub fn connect<S: AsRef<str>>(servers: &[S]) -> Result<Self, Error> {
        Self::connect_over(Arc::new(Tcp), servers)
    }

    /// The same, over connections that are made in another way than by TCP.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn connect_over<S: AsRef<str>>(connect: Arc<dyn Connect>, servers: &[S]) -> Result<Self, Error> {
        let servers: Vec<String> = servers.iter().map(|address| address.as_ref().trim().to_owned()).collect();
        for address in &servers {
            channels::endpoint(address).map_err(Error::Usage)?;
        }
        if servers.is_empty() {
            return Err(Error::Usage("no coordinator is named: give at least one HOST:PORT".into()));
        }
        Ok(Self {
            servers: Arc::new(servers),
            channels: Arc::new(Channels::over(connect)),
            leader: Arc::default(),
            deadline: DEADLINE,
            attempt: ATTEMPT,
        })
    }

    /// The same client with another deadline for each request.
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// The same client, giving each single coordinator another time to answer.
    pub fn with_attempt(self, attempt: Duration) -> Self {
        Self { attempt, ..self }
    }

    /// The coordinators it was given.
    pub fn servers(&self) -> &[String] {
        &self.servers
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Asks until somebody answers or the deadline has passed: one coordinator after the other, and the next one already
    /// while one that was asked is silent. A write is named by its request id and is the same bytes in every attempt, so
    /// that repeating it is harmless.
    pub(crate) async fn ask<T, F>(
        &self,
        write: Option<&str>,
        call: impl Fn(OperatorClient<Channel>) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let deadline = Instant::now() + self.deadline;
        let left = || deadline.saturating_duration_since(Instant::now());
        let mut route = Route::new(&self.servers, self.known_leader());
        let mut failure = self.no_quorum(write);
        let mut asked = FuturesUnordered::new();
        let mut patience = Duration::ZERO;
        while !left().is_zero() {
            if patience.is_zero() {
                patience = match route.next() {
                    Move::Ask(address) => {
                        let (limit, call) = (left().min(self.attempt), &call);
                        asked.push(async move {
                            let tried = self.try_one(&address, limit, call).await;
                            (address, tried)
                        });
                        ASK_ANOTHER
                    }
                    Move::Pause if asked.is_empty() => Duration::from_millis(fastrand::u64(PAUSE_MS)),
                    Move::Pause => ASK_ANOTHER,
                };
            }
            let heard = first(&mut asked, patience.min(left())).await;
            patience = Duration::ZERO;
            let Some((address, tried)) = heard else { continue };
            route.heard(&address);
            if let Some(answer) = self.learn(&address, tried, &mut route, &mut failure) {
                return answer;
            }
            // A leader that is slow because it has much to do is not helped by questions to all the others.
            if !asked.is_empty() && !route.is_hinted() {
                patience = ASK_ANOTHER;
            }
        }
        // Whoever is still asked has no time left either, and what came of it decides what may be written.
        while let Some((address, tried)) = asked.next().await {
            if let Some(answer) = self.learn(&address, tried, &mut route, &mut failure) {
                return answer;
            }
        }
        failure.waited = self.deadline;
        Err(Error::NoQuorum(failure))
    }

    async fn try_one<T, F>(
        &self,
        address: &str,
        limit: Duration,
        call: &impl Fn(OperatorClient<Channel>) -> F,
    ) -> Tried<T>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let started = Instant::now();
        let channel = match timeout(limit, self.channels.to(address)).await {
            Ok(Ok(channel)) => channel,
            Ok(Err(text)) => return Tried::NotSent(format!("{address}: {text}")),
            Err(_) => return Tried::Silent { sent: false },
        };
        let operator = OperatorClient::new(channel).max_decoding_message_size(MESSAGE_BYTES);
        match timeout(limit.saturating_sub(started.elapsed()), call(operator)).await {
            Ok(Ok(response)) => Tried::Answered(response.into_inner()),
            Ok(Err(status)) => Tried::Failed(Box::new(status)),
            Err(_) => Tried::Silent { sent: true },
        }
    }

    /// Takes in what one coordinator said; an answer ends the search.
    fn learn<T>(
        &self,
        address: &str,
        tried: Tried<T>,
        route: &mut Route,
        failure: &mut NoQuorum,
    ) -> Option<Result<T, Error>> {
        let verdict = match tried {
            Tried::Answered(answer) => {
                self.remember(Some(address.to_owned()));
                return Some(Ok(answer));
            }
            Tried::NotSent(text) => {
                self.remember(None);
                failure.last = Some(text);
                return None;
            }
            Tried::Silent { sent } => {
                tracing::debug!(address, sent, "no answer; asking again");
                self.channels.forget(address);
                self.remember(None);
                // What another has said before explains more, and the deadline cuts the last attempt off.
                failure.last.get_or_insert_with(|| format!("{address}: no answer"));
                failure.may_be_written |= sent && failure.request_id.is_some();
                return None;
            }
            Tried::Failed(status) => judge(&status),
        };
        match verdict {
            Verdict::Final(error) => return Some(Err(error)),
            Verdict::AskLeader(leader) => {
                failure.last = Some(match &leader {
                    Some(leader) => format!("{address}: {leader} leads"),
                    None => format!("{address}: no leader is known"),
                });
                self.remember(leader.clone());
                route.hint(leader);
            }
            Verdict::Again(text) => {
                tracing::debug!(address, text, "asking again");
                self.channels.forget(address);
                self.remember(None);
                failure.last = Some(format!("{address}: {text}"));
                failure.may_be_written |= failure.request_id.is_some();
            }
        }
        None
    }

    pub(crate) fn no_quorum(&self, write: Option<&str>) -> NoQuorum {
        NoQuorum {
            servers: self.servers.to_vec(),
            waited: Duration::ZERO,
            last: None,
            request_id: write.map(str::to_owned),
            may_be_written: false,
        }
    }

    fn known_leader(&self) -> Option<String> {
        self.leader.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    fn remember(&self, leader: Option<String>) {
        *self.leader.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = leader;
    }
}

/// What comes first of them within this time, all of which passes where there are none.
async fn first<F: Future>(of: &mut FuturesUnordered<F>, within: Duration) -> Option<F::Output> {
    if of.is_empty() {
        sleep(within).await;
        return None;
    }
    timeout(within, of.next()).await.ok().flatten()
}
