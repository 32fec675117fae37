use crate::command::{Answer, Reply, Subject};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::scope;
use crate::stamp::Moment;
use crate::state::State;
use crate::step::{Outcome, Status};
use crate::turn::Turn;

impl State {
    /// The value of a step's expression, computed by the leader outside of apply: only the result is replicated, so
    /// members with different evaluators cannot disagree.
    pub(super) fn evaluate(
        &mut self,
        at: Moment,
        id: &str,
        step: &str,
        subject: Subject,
        result: &Result<bool, String>,
    ) -> Reply {
        let run = self.run(id)?;
        let missing = || Rejection::NotFound(format!("run `{id}` has no step `{step}`"));
        let index = scope::find(run, &self.plans, step).ok_or_else(missing)?;
        let state = &run.steps[index];
        let ready = state.status == Status::Waiting && state.unmet == 0;
        let awaited = match subject {
            Subject::When => ready && state.when.is_none(),
            Subject::Gate => ready && state.gate.is_none(),
            Subject::Success(token) => {
                state.unjudged.is_some() && state.attempt().is_some_and(|attempt| attempt.token == token)
            }
        };
        if !awaited || run.status.has_ended() {
            return Ok(Answer::Done);
        }
        self.with_run(at, id, |turn| {
            if let Ok(value) = result {
                let step = turn.name(index);
                turn.record(Event::Evaluated { step, subject, value: *value });
            }
            match subject {
                Subject::Success(_) => turn.judge(index, result),
                Subject::When => turn.learn(index, result, |state, value| state.when = Some(value)),
                Subject::Gate => turn.learn(index, result, |state, value| state.gate = Some(value)),
            }
        });
        Ok(Answer::Done)
    }
}

impl Turn<'_> {
    fn learn(
        &mut self,
        index: usize,
        result: &Result<bool, String>,
        keep: impl FnOnce(&mut crate::step::StepState, bool),
    ) {
        match result {
            Ok(value) => keep(self.state(index), *value),
            Err(reason) => self.fail(index, format!("its condition could not be evaluated: {reason}")),
        }
    }

    /// What the action's answer means. An answer that cannot be judged is no answer: the outcome is unknown.
    fn judge(&mut self, index: usize, result: &Result<bool, String>) {
        let Some(ending) = self.state(index).unjudged.take() else { return };
        let (outcome, reason) = match result {
            Ok(true) => (Outcome::Succeeded, None),
            Ok(false) => (Outcome::Failed, Some("its `success` is false".to_owned())),
            Err(reason) => (Outcome::Unknown, Some(format!("its `success` has no answer: {reason}"))),
        };
        if let Some(attempt) = self.attempt(index) {
            attempt.outcome = Some(outcome);
            attempt.reason = reason.clone().or(attempt.reason.take());
        }
        let reason = reason.unwrap_or_default();
        self.take_outcome(index, outcome, &crate::command::Ending { reason, ..*ending });
    }
}
