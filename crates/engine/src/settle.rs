//! After every command: let everything that can move, move.

use baton_plan::plan::StepIndex;

use crate::event::Event;
use crate::grant::Hindrance;
use crate::run::{Heading, Status as RunStatus};
use crate::step::{Outcome, Status};
use crate::turn::Turn;

impl Turn<'_> {
    /// Lets the run move as far as it can. True when it could use a slot that it did not get.
    pub(crate) fn settle(&mut self) -> bool {
        self.run.alarm_ms = None;
        if self.run.status.has_ended() {
            return false;
        }
        let mut starved = self.settle_open();
        // Each pass can only make steps ready that were not before, so this ends with the graph.
        loop {
            let moved = self.run.timeline.len();
            starved |= self.settle_ready();
            if moved == self.run.timeline.len() {
                break;
            }
        }
        self.conclude();
        starved && !self.run.status.has_ended()
    }

    /// Steps under way: doubts are decided and waits ended. True when a slot elsewhere would help.
    fn settle_open(&mut self) -> bool {
        let open: Vec<_> = self.run.open.iter().copied().collect();
        let mut starved = false;
        for index in open {
            if self.run.steps[index].attempts.is_empty() {
                self.settle_wait(index);
                continue;
            }
            self.settle_doubt(index);
            let state = &self.run.steps[index];
            let lapsed = state.attempt().is_some_and(|attempt| attempt.lapsed);
            starved |= lapsed || state.status == Status::InDoubt;
            if lapsed {
                self.give_up_optional(index);
            }
        }
        starved
    }

    /// A `wait` ends when its time has come.
    fn settle_wait(&mut self, index: StepIndex) {
        let until_ms = self.run.steps[index].not_before_ms;
        if until_ms <= self.now_ms() {
            self.succeed(index, None);
        } else {
            self.alarm_at(until_ms);
        }
    }

    /// Grants what is ready. True when a slot was missing.
    fn settle_ready(&mut self) -> bool {
        let going = self.run.status == RunStatus::Running && self.run.heading == Heading::Through;
        let ready: Vec<_> = self.run.ready.iter().map(|(_, index)| *index).collect();
        let mut starved = false;
        for index in ready {
            if !going || self.run.status != RunStatus::Running || self.run.heading != Heading::Through {
                break;
            }
            let Err(hindrance) = self.grant(index) else { continue };
            match &hindrance {
                Hindrance::Until(until_ms) => self.alarm_at(*until_ms),
                Hindrance::Busy(_) | Hindrance::Nobody(_) => starved = true,
                Hindrance::Condition | Hindrance::Limit => {}
            }
            // The reason of a backoff says more than "it pauses".
            if !matches!(hindrance, Hindrance::Until(_))
                && self.run.steps[index].reason != Some(hindrance.text())
            {
                self.state(index).reason = Some(hindrance.text());
                if matches!(hindrance, Hindrance::Nobody(_)) {
                    let step = self.name(index);
                    self.record(Event::StepHeldUp { step, reason: hindrance.text() });
                }
            }
            if matches!(hindrance, Hindrance::Nobody(_)) {
                self.give_up_optional(index);
            }
        }
        starved
    }

    /// An optional step may be unreachable: after its timeout the run goes on without it, unless
    /// it may have happened.
    fn give_up_optional(&mut self, index: StepIndex) {
        let step = self.step(index);
        let state = &self.run.steps[index];
        let in_doubt = matches!(state.status, Status::InDoubt | Status::Probing);
        if !step.optional || in_doubt || state.status.is_settled() {
            return;
        }
        let since_ms = match state.attempt().filter(|attempt| attempt.is_under_way()) {
            Some(attempt) => attempt.granted.stamp.time_ms,
            None => state.ready_ms.unwrap_or(self.run.started.stamp.time_ms),
        };
        let until_ms = since_ms + step.timeout_ms;
        if until_ms > self.now_ms() {
            self.alarm_at(until_ms);
            return;
        }
        let region = state.region.clone().unwrap_or_default();
        self.end_attempt(index, Outcome::Unknown, Some("its agent did not come back".into()));
        self.fail(index, format!("no agent in {region} could be reached within its timeout"));
    }

    /// Something is to be looked at again at this cluster time.
    pub(crate) fn alarm_at(&mut self, time_ms: u64) {
        let earlier = self.run.alarm_ms.map_or(time_ms, |alarm_ms| alarm_ms.min(time_ms));
        self.run.alarm_ms = Some(earlier);
    }

    /// Ends the run once nothing of it is open and nothing more can begin.
    fn conclude(&mut self) {
        if !self.run.open.is_empty() {
            return;
        }
        let waiting = self.run.steps_in(Status::Waiting).next().is_some();
        let status = match self.run.heading {
            Heading::Canceling => RunStatus::Canceled,
            Heading::Failing => RunStatus::Failed,
            Heading::Through if waiting => return,
            Heading::Through if self.failed_step().is_some() => return self.conclude_failed(),
            Heading::Through => RunStatus::Succeeded,
        };
        self.end(status);
    }

    /// All that is left is a failure that paused the run: it ends only by an operator's word.
    fn conclude_failed(&mut self) {
        if self.run.status == RunStatus::Running {
            self.end(RunStatus::Failed);
        }
    }

    /// A step that failed and is not optional.
    pub(crate) fn failed_step(&self) -> Option<StepIndex> {
        self.run.steps_in(Status::Failed).find(|index| !self.step(*index).optional)
    }

    fn end(&mut self, status: RunStatus) {
        debug_assert!(self.run.status.may_become(status));
        self.run.status = status;
        self.run.ended = Some(self.at);
        if status == RunStatus::Succeeded {
            self.run.reason = (self.run.exceptions > 0).then(|| "with exceptions".to_owned());
        }
        let reason = self.run.reason.clone();
        self.record(Event::RunEnded { status, reason });
    }
}
