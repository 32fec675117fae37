use crate::command::{Answer, Reply};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::stamp::Moment;
use crate::state::State;
use crate::step::Status;

impl State {
    /// The value of a step's condition, computed by the leader outside of apply: only the result
    /// is replicated, so members with different evaluators cannot disagree.
    pub(super) fn evaluate(
        &mut self,
        at: Moment,
        id: &str,
        step: &str,
        result: &Result<bool, String>,
    ) -> Reply {
        let run = self.run(id)?;
        let missing = || Rejection::NotFound(format!("run `{id}` has no step `{step}`"));
        let index = self.version_of(run).step(step).ok_or_else(missing)?;
        let state = &run.steps[index];
        let awaited = state.status == Status::Waiting && state.unmet == 0 && state.when.is_none();
        if !awaited || run.status.has_ended() {
            return Ok(Answer::Done);
        }
        let step = step.to_owned();
        self.with_run(at, id, |turn| match result {
            Ok(value) => {
                turn.state(index).when = Some(*value);
                turn.record(Event::ConditionEvaluated { step, value: *value });
            }
            Err(reason) => turn.fail(index, format!("its condition could not be evaluated: {reason}")),
        });
        Ok(Answer::Done)
    }
}
