use baton_plan::plan::{OnFailure, StepIndex};

use crate::apply::decided;
use crate::command::{Reply, Request};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::run::{Heading, Status};
use crate::stamp::Moment;
use crate::state::State;
use crate::step::Status as StepStatus;
use crate::turn::Turn;

impl State {
    /// Lets a paused run go on. A failure that paused it must have been decided before: going on past it would be a
    /// decision that nobody made.
    pub(super) fn resume_run(&mut self, at: Moment, request: &Request, id: &str, reason: &str) -> Reply {
        let run = self.run(id)?;
        // It goes on already, or has gone on to its end: there is nothing left to decide.
        let goes_on = run.status == Status::Running && run.heading() == Heading::Through;
        if goes_on || run.status == Status::Succeeded {
            return decided(id);
        }
        if run.status != Status::Paused {
            return Err(Rejection::Refused(format!(
                "run `{id}` is {}; only a paused one can be resumed",
                run.way()
            )));
        }
        self.with_run(at, id, |turn| {
            if let Some(index) = turn.undecided_failure() {
                let step = turn.name(index);
                return Err(Rejection::Refused(format!(
                    "step `{step}` has failed; decide it first with `baton run retry {id} {step}`, `baton run skip {id} \
                     {step} --reason …` or `baton run resolve {id} {step} --as succeeded --reason …`, or end the run \
                     with `baton run cancel {id}`"
                )));
            }
            turn.resume(request.operator.clone(), reason.to_owned());
            decided(id)
        })
    }
}

impl Turn<'_> {
    pub(super) fn resume(&mut self, operator: String, reason: String) {
        if self.run.status != Status::Paused {
            return;
        }
        self.run.status = Status::Running;
        self.run.reason = None;
        self.run.paused_by = None;
        self.record(Event::RunResumed { operator, reason });
    }

    /// A failure that pauses the run until somebody decides about it.
    pub(super) fn undecided_failure(&self) -> Option<StepIndex> {
        let mut failed = self.run.steps_in(StepStatus::Failed);
        failed.find(|index| {
            let state = &self.run.steps[*index];
            let in_play = state.origin.item.is_none() && !state.done && self.is_going(*index);
            in_play
                && !self.run.frames[state.origin.frame].ended
                && self.step(*index).on_failure == OnFailure::Pause
        })
    }
}
