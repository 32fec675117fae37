use crate::command::{Answer, AttemptKey, Reply, Speaker};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::stamp::Moment;
use crate::state::State;

impl State {
    /// The gate of semantics R2: an attempt acts only on the committed answer to its Begin.
    pub(super) fn begin(&mut self, at: Moment, speaker: &Speaker, key: &AttemptKey) -> Reply {
        let index = self.locate(key)?;
        let state = &self.runs[&key.run].steps[index];
        let current = state.attempt().filter(|attempt| {
            attempt.token == key.token
                && *attempt.speaker == *speaker
                && attempt.is_under_way()
                && !attempt.lapsed
        });
        if current.is_some_and(|attempt| self.reckoning.withholds(&self.runs[&key.run], attempt)) {
            return Err(Rejection::NotCurrent(self.reckoning.text()));
        }
        let Some(attempt) = current else {
            let foreign = state
                .attempt()
                .is_some_and(|attempt| attempt.token == key.token && *attempt.speaker != *speaker);
            let why = if foreign { "is not this agent's" } else { "was taken back" };
            return Err(Rejection::NotCurrent(format!(
                "attempt {} of step `{}` {why}; it must not begin",
                key.attempt, key.step
            )));
        };
        if attempt.begun.is_none() {
            let event = Event::StepBegun {
                direction: state.direction,
                step: key.step.clone(),
                attempt: key.attempt,
                token: key.token,
                agent: speaker.agent.clone(),
            };
            self.turn(at, &key.run, |turn| {
                if let Some(attempt) = turn.attempt(index) {
                    attempt.begun = Some(at);
                }
                turn.record(event);
            });
        }
        Ok(Answer::Begun)
    }
}
