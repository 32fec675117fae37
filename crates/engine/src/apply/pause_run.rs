use super::decided;
use crate::command::{Reply, Request};
use crate::rejection::Rejection;
use crate::run::Status;
use crate::stamp::Moment;
use crate::state::State;

impl State {
    /// Starts nothing new in a run; what runs goes on.
    pub(super) fn pause_run(&mut self, at: Moment, request: &Request, id: &str, reason: &str) -> Reply {
        let run = self.run(id)?;
        if run.status != Status::Running {
            let word = run.status.word();
            return Err(Rejection::Refused(format!(
                "run `{id}` is {word}; only a running one can be paused"
            )));
        }
        let operator = &request.operator;
        let text =
            if reason.is_empty() { format!("by {operator}") } else { format!("by {operator}: {reason}") };
        self.with_run(at, id, |turn| turn.pause(text));
        decided(id)
    }
}
