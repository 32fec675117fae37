use crate::command::{Answer, Cause, Reply};
use crate::event::Event;
use crate::reckoning::{self, Reckoning};
use crate::rejection::Rejection;
use crate::stamp::Moment;
use crate::state::State;

impl State {
    /// The state was restored, or is all that a minority has: nothing is known of what came after it.
    pub(super) fn begin_epoch(&mut self, at: Moment, epoch: u64, cause: Cause) -> Reply {
        if reckoning::base(epoch) <= self.tokens {
            return Err(Rejection::Refused(format!(
                "epoch {epoch} is not newer than the tokens that were granted already"
            )));
        }
        let earlier = std::mem::take(&mut self.reckoning);
        let agents = self.agents.by_name.values().map(|agent| agent.join.speaker.clone());
        let unheard = agents.map(|speaker| (speaker.agent, speaker.incarnation)).collect();
        // What an earlier epoch still waited for is waited for in this one.
        let (before, runs) = match earlier.unheard.is_empty() {
            true => (self.tokens, self.started),
            false => (earlier.before, self.started),
        };
        let (evidence, blank) = (earlier.evidence, earlier.blank);
        self.reckoning = Reckoning { epoch, before, runs, unheard, evidence, blank, ..Reckoning::default() };
        self.tokens = reckoning::base(epoch);
        let waits_for: Vec<_> = self.reckoning.unheard.keys().cloned().collect();
        let active: Vec<_> = self.active.iter().cloned().collect();
        for run in active {
            let event = Event::EpochBegan { epoch, cause, waits_for: waits_for.clone() };
            self.turn(at, &run, |turn| {
                turn.record(event);
                turn.may_have_begun();
            });
        }
        Ok(Answer::Done)
    }
}

impl crate::turn::Turn<'_> {
    /// A Begin may have been committed in the lost time: that an attempt has not begun proves nothing any more.
    fn may_have_begun(&mut self) {
        let (at, open) = (self.at, self.run.open.clone());
        for index in open {
            if let Some(attempt) = self.attempt(index).filter(|attempt| attempt.is_under_way()) {
                attempt.begun = attempt.begun.or(Some(at));
            }
        }
    }
}
