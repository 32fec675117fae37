//! After every command: let everything that can move, move.

use baton_plan::plan::StepIndex;

use crate::event::Event;
use crate::grant::Hindrance;
use crate::run::{Heading, Status as RunStatus};
use crate::scope;
use crate::step::{Outcome, Status};
use crate::turn::Turn;

impl Turn<'_> {
    /// Lets the run move as far as it can. True when it waits for something that others may let go.
    pub(crate) fn settle(&mut self) -> bool {
        let mut starved = false;
        self.look_around();
        // Each pass can only end what was open or begin what was ready, so this ends with the graph.
        loop {
            self.run.alarm_ms = None;
            if self.run.status.has_ended() {
                return false;
            }
            let before = self.progress();
            starved |= self.settle_locks();
            starved |= self.settle_pass();
            if before == self.progress() {
                return starved && !self.run.status.has_ended();
            }
        }
    }

    /// Something that changes with every move.
    fn progress(&self) -> (usize, usize, usize) {
        (self.run.timeline.len(), self.run.undoing.len(), self.run.open.len())
    }

    fn settle_pass(&mut self) -> bool {
        let mut starved = self.settle_open();
        self.settle_time();
        self.settle_barriers();
        starved |= self.settle_ready();
        starved |= self.settle_undoing();
        self.settle_stuck();
        self.conclude();
        starved
    }

    /// A queued run begins when it gets all of its locks. True while it waits for one.
    fn settle_locks(&mut self) -> bool {
        if !self.run.queued {
            return false;
        }
        let owner = self.owner(None);
        let going = self.run.status == RunStatus::Running && self.run.heading() == Heading::Through;
        if let Some((name, lock)) = self.locks.hindrance(&self.run.locks, |holder| *holder == owner) {
            if going {
                self.run.reason = Some(format!("it waits: {}", lock.text(name)));
            }
            return true;
        }
        self.locks.take(&self.run.locks, &owner, None, self.at);
        self.run.queued = false;
        if going {
            self.run.reason = None;
        }
        let locks = self.run.locks.clone();
        self.record(Event::LocksTaken { locks });
        false
    }

    pub(crate) fn settle_group(&mut self, index: StepIndex) {
        if self.fans_out(index) && self.run.steps[index].status == Status::Running {
            self.settle_fan_out(index);
        }
    }

    pub(crate) fn settle_attempt(&mut self, index: StepIndex) -> bool {
        self.supersede(index);
        self.say_withheld(index);
        self.settle_doubt(index);
        let state = &self.run.steps[index];
        let lapsed = state.attempt().is_some_and(|attempt| attempt.lapsed);
        if lapsed {
            self.give_up_optional(index);
        }
        lapsed || self.run.steps[index].status == Status::InDoubt
    }

    /// A `wait` ends when its time has come.
    pub(crate) fn settle_wait(&mut self, index: StepIndex) {
        let until_ms = self.run.steps[index].not_before_ms;
        if until_ms <= self.now_ms() {
            self.succeed(index, None);
        } else {
            self.alarm_at(until_ms);
        }
    }

    /// Writes down why a step does not begin. True when something that others let go would help.
    pub(crate) fn hindered(&mut self, index: StepIndex, hindrance: &Hindrance) -> bool {
        if let Hindrance::Until(until_ms) = hindrance {
            // The reason of a backoff says more than "it pauses".
            self.alarm_at(*until_ms);
            return false;
        }
        let text = hindrance.text();
        let forsaken = hindrance.is_absence() || hindrance.is_its_own();
        if self.run.steps[index].forsaken != forsaken {
            self.state(index).forsaken = forsaken;
        }
        if self.run.steps[index].reason.as_deref() != Some(text.as_str()) {
            self.state(index).reason = Some(text.clone());
            if hindrance.is_absence() || matches!(hindrance, Hindrance::Held { .. } | Hindrance::Unheard(_)) {
                let step = self.name(index);
                let direction = self.run.steps[index].direction;
                self.record(Event::StepHeldUp { step, reason: text, direction });
            }
        }
        if hindrance.is_absence() {
            self.give_up_optional(index);
        }
        hindrance.is_scarcity()
    }

    /// An optional step may be unreachable: after its timeout the run goes on without it, unless it may have happened.
    fn give_up_optional(&mut self, index: StepIndex) {
        let state = &self.run.steps[index];
        let undecided = !matches!(state.status, Status::Waiting | Status::Running);
        if undecided || !scope::is_optional(self.run, self.plans, index) {
            return;
        }
        let since_ms = match state.attempt().filter(|attempt| attempt.is_under_way()) {
            Some(attempt) => attempt.granted.stamp.time_ms,
            None => state.ready_ms.unwrap_or(self.run.started.stamp.time_ms),
        };
        let until_ms = since_ms + self.work(index).timeout_ms;
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
}
