use super::decided;
use crate::command::{Reply, Request};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::run::Status;
use crate::stamp::Moment;
use crate::state::State;
use crate::turn::Turn;

impl State {
    /// Lets a paused run go on. A failure that paused it must have been decided before: going on
    /// past it would be a decision that nobody made.
    pub(super) fn resume_run(&mut self, at: Moment, request: &Request, id: &str, reason: &str) -> Reply {
        let run = self.run(id)?;
        if run.status != Status::Paused {
            let word = run.status.word();
            return Err(Rejection::Refused(format!(
                "run `{id}` is {word}; only a paused one can be resumed"
            )));
        }
        self.with_run(at, id, |turn| {
            if let Some(index) = turn.failed_step() {
                let step = turn.name(index);
                return Err(Rejection::Refused(format!(
                    "step `{step}` has failed; decide it first with `baton run resolve {id} {step} \
                     --as succeeded|retry --reason …`, or end the run with `baton run cancel {id}`"
                )));
            }
            turn.resume(request.operator.clone(), reason.to_owned());
            decided(id)
        })
    }
}

impl Turn<'_> {
    fn resume(&mut self, operator: String, reason: String) {
        self.run.status = Status::Running;
        self.run.reason = None;
        self.record(Event::RunResumed { operator, reason });
    }
}
