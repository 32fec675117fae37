use baton_plan::plan::StepIndex;

use crate::apply::decided;
use crate::command::{Mode, Reply, Request};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::scope;
use crate::stamp::Moment;
use crate::state::State;
use crate::step::{Direction, Status};
use crate::turn::Turn;

impl State {
    /// From here on the old side is treated as gone: in the whole run, or in one step and all that is in it.
    pub(super) fn escalate(
        &mut self,
        at: Moment,
        request: &Request,
        id: &str,
        step: Option<&str>,
        reason: &str,
    ) -> Reply {
        let run = self.run(id)?;
        if run.status.has_ended() {
            let word = run.status.word();
            return Err(Rejection::Refused(format!("run `{id}` has ended already: {word}")));
        }
        let found = step.map(|step| {
            let missing = || Rejection::NotFound(format!("run `{id}` has no step `{step}`"));
            scope::find(run, &self.plans, step).ok_or_else(missing)
        });
        let index = found.transpose()?;
        if run.mode == Mode::Ungraceful
            || index.is_some_and(|index| scope::mode(run, index) == Mode::Ungraceful)
        {
            return decided(id);
        }
        if let Some(index) = index.filter(|index| run.steps[*index].status.is_settled()) {
            let (step, word) = (step.unwrap_or_default(), run.steps[index].status.word());
            return Err(Rejection::Refused(format!("step `{step}` of run `{id}` is {word} already")));
        }
        self.with_run(at, id, |turn| {
            let (step, operator) = (step.map(str::to_owned), request.operator.clone());
            turn.record(Event::Escalated { step, operator, reason: reason.to_owned() });
            match index {
                Some(index) => turn.state(index).escalated = true,
                None => turn.run.mode = Mode::Ungraceful,
            }
            turn.follow_escalation(index);
        });
        decided(id)
    }
}

impl Turn<'_> {
    /// What is under way follows, where it would be done otherwise now: questions and waits are put anew, attempts that
    /// may be repeated are ended, and those that may not go on to their end.
    fn follow_escalation(&mut self, within: Option<StepIndex>) {
        for index in 0..self.run.steps.len() {
            let concerned = within.is_none_or(|within| self.run.chain(index).any(|one| one == within));
            let state = &self.run.steps[index];
            if !concerned || state.direction == Direction::Undo {
                continue;
            }
            match state.status {
                Status::Waiting => self.state(index).not_before_ms = 0,
                Status::Running | Status::AwaitingApproval if self.is_done_otherwise(index) => {
                    self.do_otherwise(index);
                }
                _ => {}
            }
        }
    }

    fn is_done_otherwise(&self, index: StepIndex) -> bool {
        let step = self.step(index);
        let settings = scope::settings(self.run, index);
        let unwanted =
            !step.modes.is_empty() && !step.modes.iter().any(|mode| settings.contains(&Some(*mode)));
        unwanted || scope::variant(self.run, self.plans, index) != self.run.steps[index].variant
    }

    fn do_otherwise(&mut self, index: StepIndex) {
        if self.is_group(index) {
            return;
        }
        let idempotent = self.work(index).idempotent;
        match self.run.steps[index].current() {
            None => {
                self.state(index).deadline_ms = None;
                self.state(index).not_before_ms = 0;
                self.turn_to(index, Status::Waiting, None);
            }
            Some(attempt) if attempt.is_under_way() && attempt.begun.is_none() => {
                self.withdraw(index, "the run was escalated");
            }
            Some(_) if idempotent => self.stop(index),
            Some(_) => {}
        }
    }
}
