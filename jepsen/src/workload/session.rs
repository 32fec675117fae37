//! One client: it asks, and writes down what it asked and what became of it.

use std::future::Future;
use std::time::{Duration, Instant};

use baton_client::view::RunView;
use baton_client::{Client, Decision, Error, Origin, Start};
use serde_json::{Value, json};

use super::World;
use crate::history::{Kind, Process};
use crate::recorder::Line;

/// How long a client follows one run before it turns to the next.
const PATIENCE: Duration = Duration::from_secs(12);
const LOOK_AGAIN: Duration = Duration::from_millis(150);

/// One client.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) world: World,
    /// Drawn from the test's seed: what it chooses, not when.
    pub(crate) random: fastrand::Rng,
    /// Which of the workload's clients it is: 0, 1, …
    pub(crate) number: usize,
    process: u64,
    client: Client,
}

impl Session {
    pub(crate) fn new(world: World, random: fastrand::Rng, number: usize) -> Session {
        let process = world.recorder.new_process();
        // A client of its own, with connections of its own, as different people have.
        let client = world.client.clone();
        Session { world, random, number, process, client }
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.world.is_over()
    }

    /// A name that stands in the record.
    pub(crate) fn operator(&self) -> String {
        format!("p{}", self.process)
    }

    fn write(&self, kind: Kind, f: &str, value: Value, error: Option<String>) {
        let process = Process::Client(self.process);
        self.world.recorder.write(Line { kind, process, f, value, node: None, error });
    }

    /// Asks; an answer is written down as `answer` says, beside what was asked.
    pub(crate) async fn ask<T>(
        &mut self,
        f: &str,
        asked: Value,
        call: impl Future<Output = Result<T, Error>>,
        answer: impl FnOnce(&T) -> Value,
    ) -> Option<T> {
        self.write(Kind::Invoke, f, asked.clone(), None);
        match call.await {
            Ok(answered) => {
                self.write(Kind::Ok, f, merged(asked, answer(&answered)), None);
                Some(answered)
            }
            Err(error) => {
                let unknown = match &error {
                    Error::NoQuorum(failure) => failure.may_be_written,
                    Error::Other(_) => true,
                    _ => false,
                };
                let kind = if unknown { Kind::Info } else { Kind::Fail };
                self.write(kind, f, asked, Some(error.to_string()));
                if unknown {
                    // The operation may still be under way: whoever asks next is another process.
                    self.process = self.world.recorder.new_process();
                }
                None
            }
        }
    }

    /// Starts a run under this request id.
    pub(crate) async fn start(&mut self, start: &Start, origin: &Origin) -> Option<String> {
        let client = self.client();
        let asked = json!({"plan": start.plan, "request": origin.request_id});
        let answer =
            |started: &baton_client::view::Started| json!({"run": started.run, "revision": started.revision});
        let started = self.ask("start", asked, client.start_run(start, origin), answer).await?;
        Some(started.run)
    }

    /// Starts a run of a plan.
    pub(crate) async fn start_plan(&mut self, plan: &str) -> Option<String> {
        let origin = self.origin();
        self.start(&of(plan), &origin).await
    }

    /// Who asks, under a request id that is drawn from the seed.
    pub(crate) fn origin(&mut self) -> Origin {
        let request_id = format!("{:032x}", self.random.u128(..));
        Origin { request_id, operator: self.operator(), roles: Vec::new() }
    }

    /// Reads a run.
    pub(crate) async fn read(&mut self, run: &str) -> Option<RunView> {
        let client = self.client();
        let answer = |seen: &RunView| json!({"status": seen.status, "needs_operator": seen.needs_operator, "ended": seen.has_ended(), "revision": seen.revision});
        self.ask("read", json!({"run": run}), client.get_run(run, false), answer).await
    }

    /// Decides about a run.
    pub(crate) async fn decide(
        &mut self,
        run: &str,
        decision: &Decision,
        word: &str,
        step: Option<&str>,
    ) -> Option<String> {
        let (client, origin) = (self.client(), self.origin());
        let asked = json!({"run": run, "step": step, "decision": word, "operator": origin.operator, "request": origin.request_id});
        let call = client.decide(decision, run, "jepsen", &origin);
        let answer = |decided: &baton_client::view::Decided| json!({"status": decided.status, "revision": decided.revision});
        self.ask("decide", asked, call, answer).await.map(|decided| decided.status)
    }

    /// Follows a run until it has ended, needs a person, or patience is over.
    pub(crate) async fn follow(&mut self, run: &str) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE && !self.is_over() {
            self.pause(LOOK_AGAIN).await;
            if let Some(seen) = self.read(run).await
                && (seen.has_ended() || seen.needs_operator)
            {
                return;
            }
        }
    }

    /// Lets some time pass.
    pub(crate) async fn pause(&mut self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Starts runs of a plan, one after the other.
    pub(crate) async fn runs_of(mut self, plans: &[&str]) {
        while !self.is_over() {
            let plan = plans[self.random.usize(..plans.len())];
            match self.start_plan(plan).await {
                Some(run) => self.follow(&run).await,
                None => self.pause(LOOK_AGAIN).await,
            }
        }
    }
}

/// A start of a plan, with nothing special.
pub(crate) fn of(plan: &str) -> Start {
    Start { plan: plan.to_owned(), mode: "graceful".into(), ..Start::default() }
}

fn merged(mut asked: Value, answer: Value) -> Value {
    if let (Some(asked), Value::Object(answer)) = (asked.as_object_mut(), answer) {
        asked.extend(answer);
    }
    asked
}
