use baton_plan::plan::StepIndex;

use crate::apply::decided;
use crate::command::{Reply, Request, Speaker};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::run::{Heading, Status as RunStatus};
use crate::stamp::Moment;
use crate::state::State;
use crate::step::{Direction, Status};
use crate::turn::Turn;

impl State {
    /// Ends a run. Before `begun` that is certain; after, the agent must prove the end (semantics R10).
    pub(super) fn cancel_run(
        &mut self,
        at: Moment,
        request: &Request,
        id: &str,
        undo: bool,
        reason: &str,
    ) -> Reply {
        let run = self.run(id)?;
        if run.status.has_ended() {
            let word = run.status.word();
            return Err(Rejection::Refused(format!("run `{id}` has ended already: {word}")));
        }
        match run.heading() {
            Heading::Canceling if !undo => return decided(id),
            Heading::Unwinding if undo => return decided(id),
            Heading::Unwinding => {
                return Err(Rejection::Refused(format!(
                    "run `{id}` is being undone; what is undone half-way cannot be left so: wait for its end with `baton run \
                     wait {id}`; an undo that is stuck can be left out with `baton run skip`"
                )));
            }
            _ => {}
        }
        self.with_run(at, id, |turn| turn.cancel(&request.operator, undo, reason));
        decided(id)
    }
}

impl Turn<'_> {
    fn cancel(&mut self, operator: &str, undo: bool, reason: &str) {
        let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let why = format!("canceled by {operator}{because}");
        self.record(Event::RunCanceling { operator: operator.to_owned(), reason: reason.to_owned() });
        self.run.paused_by = None;
        if undo {
            self.unwind_frame(0, why);
        } else {
            self.run.status = RunStatus::Running;
            self.head(0, Heading::Canceling, why);
            self.call_off(0);
        }
        let open: Vec<_> = self.run.open.iter().copied().collect();
        for index in open {
            self.stop(index);
        }
    }

    /// Ends a wait at once; an attempt's end is for its agent to prove. An undo goes on to its end.
    pub(super) fn stop(&mut self, index: StepIndex) {
        let state = &self.run.steps[index];
        if state.direction == Direction::Undo || self.is_group(index) {
            return;
        }
        let status = state.status;
        let Some(attempt) = self.attempt(index) else {
            return self.cancel_step(index);
        };
        if status != Status::Running || !attempt.is_under_way() || attempt.stopping {
            return;
        }
        attempt.stopping = true;
        let (number, agent, speaker) =
            (attempt.number, attempt.speaker.agent.clone(), Speaker::clone(&attempt.speaker));
        self.agents.touch(&speaker, self.at.index);
        let step = self.name(index);
        let direction = self.run.steps[index].direction;
        self.record(Event::StopAsked { step, attempt: number, agent, direction });
    }
}
