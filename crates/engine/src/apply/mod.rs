//! One file a command: what it asks for, what refuses it, and what it moves.

mod answer_probe;
mod begin;
mod begin_epoch;
mod decide;
mod declare_lost;
mod evaluate;
mod expire_agent;
mod join_agent;
mod recount;
mod register_plan;
mod register_template;
mod report;
mod set_capacity;
mod start_run;
mod take_office;
mod tick;

use std::hash::Hash;

use crate::chain;
use crate::command::{Answer, AttemptKey, Command, Reply, Request};
use crate::rejection::Rejection;
use crate::requests::Receipt;
use crate::scope;
use crate::stamp::Moment;
use crate::state::State;

impl State {
    pub(crate) fn apply_command(&mut self, at: Moment, term: u64, command: &Command) -> Reply {
        if let Command::TakeOffice { node } = command {
            return self.take_office(at, term, *node);
        }
        if let Command::BeginEpoch { epoch, cause } = command {
            return self.begin_epoch(at, *epoch, *cause);
        }
        if term != self.office.term {
            return Err(Rejection::Deposed);
        }
        match command {
            Command::TakeOffice { .. } | Command::BeginEpoch { .. } => unreachable!("taken care of above"),
            Command::RegisterPlan { request, plan, source } => {
                self.once(at, request, &("register", source), |state| {
                    state.register_plan(at, request, plan, source)
                })
            }
            Command::RegisterTemplate { request, template, source } => {
                self.once(at, request, &("register template", source), |state| {
                    state.register_template(at, request, template, source)
                })
            }
            Command::StartRun { request, plan, version, params, mode, drill, queue } => {
                let (version, mode, drill, queue) = (*version, *mode, *drill, *queue);
                let start = start_run::Start { request, plan, version, params, mode, drill, queue };
                let body = ("start", plan, version, params, mode, drill, queue);
                self.once(at, request, &body, |state| state.start_run(at, &start))
            }
            Command::Decide { request, run, decision, reason } => {
                self.once(at, request, &("decide", &request.operator, run, decision, reason), |state| {
                    state.decide(at, request, run, decision, reason)
                })
            }
            Command::DeclareLost { request, region, reason } => {
                self.once(at, request, &("declare lost", region), |state| {
                    state.declare_lost(at, request, region, reason)
                })
            }
            Command::RestoreRegion { request, region, reason } => {
                self.once(at, request, &("restore region", region), |state| {
                    state.restore_region(at, request, region, reason)
                })
            }
            Command::SetCapacity { request, resource, capacity, reason } => {
                self.once(at, request, &("set capacity", resource, capacity), |state| {
                    state.set_capacity(at, request, resource, *capacity, reason)
                })
            }
            Command::JoinAgent(join) => self.join_agent(at, join),
            Command::ExpireAgent { speaker } => self.expire_agent(at, speaker),
            Command::Begin { speaker, key } => self.begin(at, speaker, key),
            Command::Report { speaker, key, ending } => self.report(at, speaker, key, ending),
            Command::AnswerProbe { speaker, key, answer, reason } => {
                self.answer_probe(at, speaker, key, *answer, reason)
            }
            Command::Evaluate { run, step, subject, result } => {
                self.evaluate(at, run, step, *subject, result)
            }
            Command::Tick => self.tick(at),
            Command::Recount { speaker, held, over } => self.recount(at, speaker, held, over),
            Command::RetireMember { node } => {
                self.retired.insert(*node);
                Ok(Answer::Done)
            }
            Command::PreferRegion { request, region } => {
                self.once(at, request, &("prefer region", region), |state| {
                    state.preferred_region.clone_from(region);
                    Ok(Answer::Done)
                })
            }
        }
    }

    /// Does a request once: its id with the same body is answered as before, with another body
    /// it is an error (semantics R8). A rejection is not kept, so that it may be tried again.
    fn once(
        &mut self,
        at: Moment,
        request: &Request,
        body: &impl Hash,
        act: impl FnOnce(&mut State) -> Reply,
    ) -> Reply {
        if request.id.is_empty() {
            return Err(Rejection::Invalid(
                "the request has no id; choose one that is new for each thing to be done".into(),
            ));
        }
        let digest = chain::digest(body);
        match self.requests.receipt(&request.id) {
            Some(receipt) if receipt.digest == digest => return Ok(receipt.answer),
            Some(_) => {
                return Err(Rejection::RequestReused(format!(
                    "request id `{}` was used before for something else; nothing was done: send it under an id of its own",
                    request.id
                )));
            }
            None => {}
        }
        let answer = act(self)?;
        let receipt = Receipt { digest, answer: answer.clone() };
        self.requests.keep(&request.id, receipt, at.stamp.time_ms);
        Ok(answer)
    }

    /// Where a key points: the run's id and the step's index.
    fn locate(&self, key: &AttemptKey) -> Result<usize, Rejection> {
        let run = self.run(&key.run)?;
        let missing = || Rejection::NotFound(format!("run `{}` has no step `{}`", key.run, key.step));
        scope::find(run, &self.plans, &key.step).ok_or_else(missing)
    }
}

fn decided(run: &str) -> Reply {
    Ok(Answer::Decided { run: run.to_owned() })
}
