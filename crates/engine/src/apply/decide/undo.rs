use crate::apply::decided;
use crate::command::{Reply, Request};
use crate::rejection::Rejection;
use crate::run::{Heading, Status as RunStatus};
use crate::stamp::Moment;
use crate::state::State;

impl State {
    /// Takes back what a run did, also of one that has ended.
    pub(super) fn undo_run(&mut self, at: Moment, request: &Request, id: &str, reason: &str) -> Reply {
        let run = self.run(id)?;
        match run.status {
            RunStatus::Unwinding | RunStatus::Stuck => return decided(id),
            RunStatus::Undone => {
                return Err(Rejection::Refused(format!("run `{id}` was undone already")));
            }
            _ => {}
        }
        if run.heading() == Heading::Canceling && !run.status.has_ended() {
            return Err(Rejection::Refused(format!(
                "run `{id}` is being canceled; undo it when it has ended, or now with `baton run cancel {id} --undo`"
            )));
        }
        let owner = crate::locks::Owner { run: id.to_owned(), step: None };
        if run.status.has_ended()
            && let Some((name, lock)) = self.locks.hindrance(&run.locks, |holder| *holder == owner)
        {
            let holder = lock.text_with_age(name, at.stamp.time_ms);
            return Err(Rejection::Refused(format!("run `{id}` cannot be undone now: {holder}")));
        }
        let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let why = format!("undone by {}{because}", request.operator);
        self.with_run(at, id, |turn| {
            let locks = turn.run.locks.clone();
            if !turn.run.queued {
                turn.locks.take(&locks, &owner, None, at);
            }
            turn.unwind_frame(0, why);
        });
        decided(id)
    }
}
