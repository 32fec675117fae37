use crate::command::{Answer, Reply};
use crate::stamp::Moment;
use crate::state::State;

impl State {
    /// A deadline has passed: every run whose time has come is looked at again.
    pub(super) fn tick(&mut self, at: Moment) -> Reply {
        let due: Vec<_> = self
            .alarms
            .iter()
            .take_while(|(time_ms, _)| *time_ms <= at.stamp.time_ms)
            .map(|(_, id)| id.clone())
            .collect();
        for id in due {
            self.with_run(at, &id, |_| ());
        }
        Ok(Answer::Done)
    }
}
