use super::decided;
use crate::command::{Reply, Request};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::run::{Heading, Status as RunStatus};
use crate::stamp::Moment;
use crate::state::State;
use crate::step::Status;
use crate::turn::Turn;

impl State {
    /// Ends a run. Before `begun` that is certain; after, the agent must prove the end (semantics R10).
    pub(super) fn cancel_run(&mut self, at: Moment, request: &Request, id: &str, reason: &str) -> Reply {
        let run = self.run(id)?;
        if run.status.has_ended() {
            let word = run.status.word();
            return Err(Rejection::Refused(format!("run `{id}` has ended already: {word}")));
        }
        if run.heading == Heading::Canceling {
            return decided(id);
        }
        self.with_run(at, id, |turn| turn.cancel(&request.operator, reason));
        decided(id)
    }
}

impl Turn<'_> {
    fn cancel(&mut self, operator: &str, reason: &str) {
        self.run.heading = Heading::Canceling;
        self.run.status = RunStatus::Running;
        let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        self.run.reason = Some(format!("canceled by {operator}{because}"));
        self.record(Event::RunCanceling { operator: operator.to_owned(), reason: reason.to_owned() });
        self.call_off();
        let open: Vec<_> = self.run.open.iter().copied().collect();
        for index in open {
            self.stop(index);
        }
    }

    /// Ends a wait at once; an attempt's end is for its agent to prove.
    fn stop(&mut self, index: usize) {
        let status = self.run.steps[index].status;
        let Some(attempt) = self.attempt(index) else {
            return self.cancel_step(index);
        };
        if status != Status::Running || !attempt.is_under_way() || attempt.stopping {
            return;
        }
        attempt.stopping = true;
        let (number, agent, speaker) =
            (attempt.number, attempt.speaker.agent.clone(), attempt.speaker.clone());
        let index_now = self.at.index;
        if let Some(agent) = self.agents.speaking(&speaker) {
            agent.changed = index_now;
        }
        let step = self.name(index);
        self.record(Event::StopAsked { step, attempt: number, agent });
    }
}
