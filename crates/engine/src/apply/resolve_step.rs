use super::decided;
use crate::command::{Reply, Request, Resolution};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::run::Heading;
use crate::stamp::Moment;
use crate::state::State;
use crate::step::{Outcome, Status};
use crate::turn::Turn;

/// A person's decision on a step.
pub(super) struct Decision<'a> {
    pub(super) request: &'a Request,
    pub(super) step: &'a str,
    pub(super) resolution: Resolution,
    pub(super) reason: &'a str,
}

impl State {
    /// Takes a person's word for a step that the system cannot decide: one in doubt, or one whose
    /// failure paused the run.
    pub(super) fn resolve_step(&mut self, at: Moment, id: &str, decision: &Decision<'_>) -> Reply {
        let run = self.run(id)?;
        let step = decision.step;
        if decision.reason.trim().is_empty() {
            return Err(Rejection::Invalid("a decision needs a reason; give it with `--reason`".into()));
        }
        let missing = || Rejection::NotFound(format!("run `{id}` has no step `{step}`"));
        let index = self.version_of(run).step(step).ok_or_else(missing)?;
        let status = run.steps[index].status;
        let may_resolve = !run.status.has_ended() && matches!(status, Status::InDoubt | Status::Failed);
        if !may_resolve {
            let why = if run.status.has_ended() { "the run has ended" } else { status.word() };
            return Err(Rejection::Refused(format!(
                "step `{step}` of run `{id}` cannot be resolved ({why}); only a step in doubt, or a failed one of a run that has not ended, can"
            )));
        }
        if status == Status::Failed && decision.resolution == Resolution::Failed {
            return Err(Rejection::Refused(format!("step `{step}` of run `{id}` has failed already")));
        }
        if status == Status::Failed && self.version_of(run).plan.steps[index].optional {
            return Err(Rejection::Refused(format!(
                "step `{step}` of run `{id}` is optional: the run went on without it"
            )));
        }
        self.with_run(at, id, |turn| turn.resolve(index, decision));
        decided(id)
    }
}

impl Turn<'_> {
    fn resolve(&mut self, index: usize, decision: &Decision<'_>) {
        let Decision { request, step, resolution, reason } = *decision;
        let operator = request.operator.clone();
        let said = format!("{operator} says so: {reason}");
        self.record(Event::StepResolved {
            step: step.to_owned(),
            resolution,
            operator,
            reason: reason.to_owned(),
        });
        self.end_attempt(index, Outcome::Unknown, None);
        match resolution {
            Resolution::Succeeded => self.succeed(index, Some(said)),
            Resolution::Failed => self.fail(index, said),
            Resolution::Retry => {
                self.let_go(index);
                let state = self.state(index);
                state.question = None;
                state.not_before_ms = 0;
                self.turn_to(index, Status::Waiting, Some(said));
                if self.run.heading != Heading::Through {
                    self.cancel_step(index);
                }
            }
        }
    }
}
