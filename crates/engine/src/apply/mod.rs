//! One file a command: what it asks for, what refuses it, and what it moves.

mod answer_probe;
mod begin;
mod cancel_run;
mod evaluate;
mod expire_agent;
mod join_agent;
mod pause_run;
mod register_plan;
mod report;
mod resolve_step;
mod resume_run;
mod start_run;
mod take_office;
mod tick;

use std::hash::Hash;

use crate::chain;
use crate::command::{Answer, AttemptKey, Command, Reply, Request};
use crate::rejection::Rejection;
use crate::requests::Receipt;
use crate::stamp::Moment;
use crate::state::State;

impl State {
    pub(crate) fn apply_command(&mut self, at: Moment, term: u64, command: &Command) -> Reply {
        if let Command::TakeOffice { node } = command {
            return self.take_office(at, term, *node);
        }
        if term != self.office.term {
            return Err(Rejection::Deposed);
        }
        match command {
            Command::TakeOffice { .. } => unreachable!("taken care of above"),
            Command::RegisterPlan { request, plan, source } => {
                self.once(at, request, &("register", source), |state| {
                    state.register_plan(at, request, plan, source)
                })
            }
            Command::StartRun { request, plan, version, params, mode, drill } => {
                let start =
                    start_run::Start { request, plan, version: *version, params, mode: *mode, drill: *drill };
                let body = ("start", plan, version, params, mode, drill);
                self.once(at, request, &body, |state| state.start_run(at, &start))
            }
            Command::PauseRun { request, run, reason } => {
                self.once(at, request, &("pause", run), |state| state.pause_run(at, request, run, reason))
            }
            Command::ResumeRun { request, run, reason } => {
                self.once(at, request, &("resume", run), |state| state.resume_run(at, request, run, reason))
            }
            Command::CancelRun { request, run, reason } => {
                self.once(at, request, &("cancel", run), |state| state.cancel_run(at, request, run, reason))
            }
            Command::ResolveStep { request, run, step, resolution, reason } => {
                let decision = resolve_step::Decision { request, step, resolution: *resolution, reason };
                let body = ("resolve", run, step, resolution);
                self.once(at, request, &body, |state| state.resolve_step(at, run, &decision))
            }
            Command::JoinAgent(join) => self.join_agent(at, join),
            Command::ExpireAgent { speaker } => self.expire_agent(at, speaker),
            Command::Begin { speaker, key } => self.begin(at, speaker, key),
            Command::Report { speaker, key, ending } => self.report(at, speaker, key, ending),
            Command::AnswerProbe { speaker, key, answer, reason } => {
                self.answer_probe(at, speaker, key, *answer, reason)
            }
            Command::Evaluate { run, step, result } => self.evaluate(at, run, step, result),
            Command::Tick => self.tick(at),
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
            Some(receipt) if receipt.digest == digest => return Ok(receipt.answer.clone()),
            Some(_) => {
                return Err(Rejection::RequestReused(format!(
                    "request id `{}` was used before for something else; nothing was done",
                    request.id
                )));
            }
            None => {}
        }
        let answer = act(self)?;
        let receipt = Receipt { digest, answer: answer.clone() };
        self.requests.keep(request.id.clone(), receipt, at.stamp.time_ms);
        Ok(answer)
    }

    /// Where a key points: the run's id and the step's index.
    fn locate(&self, key: &AttemptKey) -> Result<usize, Rejection> {
        let run = self.run(&key.run)?;
        let missing = || Rejection::NotFound(format!("run `{}` has no step `{}`", key.run, key.step));
        self.version_of(run).step(&key.step).ok_or_else(missing)
    }
}

fn decided(run: &str) -> Reply {
    Ok(Answer::Decided { run: run.to_owned() })
}
