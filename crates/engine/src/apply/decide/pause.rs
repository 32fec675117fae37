use crate::apply::decided;
use crate::command::{Reply, Request};
use crate::rejection::Rejection;
use crate::run::{Heading, Status};
use crate::stamp::Moment;
use crate::state::State;

impl State {
    /// Starts nothing new in a run; what runs goes on.
    pub(super) fn pause_run(&mut self, at: Moment, request: &Request, id: &str, reason: &str) -> Reply {
        let run = self.run(id)?;
        if run.status == Status::Paused {
            return decided(id);
        }
        if run.status != Status::Running || run.heading() != Heading::Through {
            return Err(Rejection::Refused(format!(
                "run `{id}` is {}; only a running one can be paused",
                run.way()
            )));
        }
        let operator = &request.operator;
        let text =
            if reason.is_empty() { format!("by {operator}") } else { format!("by {operator}: {reason}") };
        self.with_run(at, id, |turn| turn.pause(text));
        decided(id)
    }
}
