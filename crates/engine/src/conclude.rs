//! What a failure does, and how plans, child plans and runs come to their end.

use baton_plan::plan::{Action, OnFailure, StepIndex};

use crate::event::Event;
use crate::run::{Heading, Status as RunStatus};
use crate::scope;
use crate::step::{Direction, Status};
use crate::turn::Turn;

impl Turn<'_> {
    /// What was carried out has failed for good; what that does to the run is the plan's word.
    pub fn fail(&mut self, index: StepIndex, reason: String) {
        self.let_go(index);
        if self.run.steps[index].direction == Direction::Undo {
            return self.fail_undo(index, reason);
        }
        self.turn_to(index, Status::Failed, Some(reason.clone()));
        let is_item = self.run.steps[index].origin.item.is_some();
        let (step, optional) = (self.name(index), scope::is_optional(self.run, self.plans, index));
        self.record(Event::StepFailed {
            step: step.clone(),
            reason: reason.clone(),
            optional: optional && !is_item,
        });
        // What the failure of an item means is decided when the whole of its fan-out is.
        if is_item {
            return;
        }
        if optional {
            self.run.exceptions += 1;
            return self.done(index);
        }
        let frame = self.run.steps[index].origin.frame;
        if self.run.frames[frame].heading == Heading::Through {
            let (why, policy) = (format!("step {step} failed: {reason}"), self.step(index).on_failure);
            self.apply_policy(frame, policy, Some(index), why);
        }
    }

    /// Carries out what a plan says about a failure.
    fn apply_policy(&mut self, frame: usize, policy: OnFailure, step: Option<StepIndex>, why: String) {
        match policy {
            OnFailure::Continue => {}
            OnFailure::Pause => {
                let pauses = self.run.status == RunStatus::Running;
                self.pause(why);
                if pauses {
                    self.run.paused_by = step;
                }
            }
            OnFailure::Undo => self.unwind_frame(frame, why),
            OnFailure::UndoBranch => match step {
                Some(index) => self.unwind_branch(index),
                None => self.unwind_frame(frame, why),
            },
            OnFailure::Stop => {
                self.head(frame, Heading::Failing, why.clone());
                self.record(Event::RunFailing { reason: why });
                self.call_off(frame);
            }
        }
    }

    /// A frame, and the child plans inside of it, will not go through.
    pub(crate) fn head(&mut self, frame: usize, heading: Heading, why: String) {
        self.run.frames[frame].heading = heading;
        self.run.frames[frame].reason = Some(why.clone());
        if frame == 0 {
            self.run.reason = Some(why);
        }
        self.head_inner_frames(frame, heading);
    }

    /// The time of a plan that says how long it may take.
    pub(crate) fn settle_time(&mut self) {
        for frame in 0..self.run.frames.len() {
            let plan = &self.version(frame).plan;
            let Some(timeout_ms) = plan.timeout_ms else { continue };
            let seen = &self.run.frames[frame];
            if seen.ended || seen.timed_out || seen.heading != Heading::Through {
                continue;
            }
            let until_ms = seen.started_ms + timeout_ms;
            if until_ms > self.now_ms() {
                self.alarm_at(until_ms);
                continue;
            }
            self.run.frames[frame].timed_out = true;
            let what = seen_as(self.run.frames[frame].parent.map(|parent| self.name(parent)));
            let why = format!("{what} took longer than {}", baton_plan::duration::written(timeout_ms));
            self.record(Event::TimeOver { reason: why.clone() });
            let policy = match plan.on_failure {
                // Going on is what was to end.
                OnFailure::Continue => OnFailure::Stop,
                other => other,
            };
            self.apply_policy(frame, policy, None, why);
        }
    }

    /// Barriers go on when enough of what they need is there, or never will be.
    pub(crate) fn settle_barriers(&mut self) {
        let barriers: Vec<_> = self.run.barriers.iter().copied().collect();
        for index in barriers {
            if self.is_going(index) && self.run.status == RunStatus::Running {
                self.settle_barrier(index);
            }
        }
    }

    fn settle_barrier(&mut self, index: StepIndex) {
        let Action::Barrier(barrier) = &self.step(index).work.action else { return };
        let first = self.run.frames[self.run.steps[index].origin.frame].first;
        let needs = || self.step(index).needs.iter().map(|need| &self.run.steps[first + need]);
        let done = needs().filter(|need| need.done).count();
        let over = needs().filter(|need| !need.done && need.status.is_settled()).count();
        let (wanted, all) = (barrier.at_least as usize, needs().count());
        if done >= wanted {
            let reason = (done < all).then(|| format!("{done} of {all} are done, {wanted} are enough"));
            return self.succeed(index, reason);
        }
        if all - over < wanted {
            return self.fail(index, format!("{over} of {all} did not succeed, and {wanted} are needed"));
        }
        let Some(timeout_ms) = barrier.timeout_ms else { return };
        let Some(since_ms) = needs().filter_map(|need| need.ready_ms).min() else { return };
        if since_ms + timeout_ms > self.now_ms() {
            return self.alarm_at(since_ms + timeout_ms);
        }
        let reason = format!("its time is over with {done} of {all} done");
        match barrier.proceed {
            true => self.succeed(index, Some(reason)),
            false => self.fail(index, reason),
        }
    }

    /// Ends every frame of which nothing is open and nothing more can begin, the innermost first.
    pub(crate) fn conclude(&mut self) {
        for frame in (0..self.run.frames.len()).rev() {
            if !self.run.frames[frame].ended {
                self.conclude_frame(frame);
            }
        }
    }

    fn conclude_frame(&mut self, frame: usize) {
        let first = self.run.frames[frame].first;
        let nodes = first..first + self.version(frame).plan.steps.len();
        let busy = self.run.open.range(nodes.clone()).next().is_some()
            || self.run.undoing.range(nodes.clone()).next().is_some();
        if busy {
            return;
        }
        let waiting = |index: &StepIndex| self.run.steps[*index].status == Status::Waiting;
        let waiting: Vec<_> = nodes.clone().filter(waiting).collect();
        let failed = self.failed_step(nodes);
        let status = match self.run.frames[frame].heading {
            Heading::Canceling => RunStatus::Canceled,
            Heading::Failing => RunStatus::Failed,
            Heading::Unwinding => RunStatus::Undone,
            Heading::Through
                if self.run.status == RunStatus::Paused && !(waiting.is_empty() && failed.is_none()) =>
            {
                return;
            }
            Heading::Through => match failed {
                None if waiting.is_empty() => RunStatus::Succeeded,
                None => return,
                Some(_) if waiting.iter().any(|index| self.can_still_move(*index)) => return,
                Some(failed) => {
                    let why = format!("step {} failed", self.name(failed));
                    self.head(frame, Heading::Failing, why);
                    self.call_off(frame);
                    RunStatus::Failed
                }
            },
        };
        self.end_frame(frame, status);
    }

    /// A step that waits and is not cut off by a failure.
    fn can_still_move(&self, index: StepIndex) -> bool {
        self.run.steps[index].unmet == 0 || self.run.barriers.contains(&index) && self.has_moving_need(index)
    }

    fn has_moving_need(&self, index: StepIndex) -> bool {
        let first = self.run.frames[self.run.steps[index].origin.frame].first;
        let mut needs = self.step(index).needs.iter().map(|need| first + need);
        needs.any(|need| !self.run.steps[need].status.is_settled() && self.run.steps[need].unmet == 0)
    }

    /// A step among these that failed and is not optional. One whose branch was undone has failed all the same.
    fn failed_step(&self, mut nodes: std::ops::Range<StepIndex>) -> Option<StepIndex> {
        nodes.find(|index| {
            let state = &self.run.steps[*index];
            !state.done && matches!(state.status, Status::Failed | Status::Undone | Status::UndoFailed)
        })
    }

    fn end_frame(&mut self, frame: usize, status: RunStatus) {
        self.run.frames[frame].ended = true;
        let Some(parent) = self.run.frames[frame].parent else { return self.end(status) };
        if self.run.steps[parent].status != Status::Running {
            return;
        }
        let why = self.run.frames[frame].reason.clone().unwrap_or_default();
        match status {
            RunStatus::Succeeded => self.succeed(parent, None),
            RunStatus::Canceled => self.cancel_step(parent),
            RunStatus::Undone => self.fail(parent, format!("{why}; what it had done was undone")),
            _ => self.fail(parent, why),
        }
    }

    fn end(&mut self, status: RunStatus) {
        debug_assert!(self.run.status.may_become(status));
        self.run.status = status;
        self.run.ended = Some(self.at);
        if status == RunStatus::Succeeded {
            self.run.reason = (self.run.exceptions > 0).then(|| "with exceptions".to_owned());
        } else if status == RunStatus::Undone {
            self.name_what_stays();
        }
        let reason = self.run.reason.clone();
        self.record(Event::RunEnded { status, reason });
        let owner = self.owner(None);
        self.locks.release(&self.run.locks, &owner);
    }
}

impl Turn<'_> {
    /// An undone run says what was not undone: the undos that failed and were left so.
    fn name_what_stays(&mut self) {
        let left: Vec<_> = self.run.steps_in(Status::UndoFailed).collect();
        if !left.is_empty() {
            let names: Vec<_> = left.into_iter().map(|index| self.name(index)).collect();
            let why = self.run.reason.take().unwrap_or_default();
            self.run.reason = Some(format!("with exceptions, not undone: {}; {why}", names.join(", ")));
        }
    }
}

fn seen_as(step: Option<String>) -> String {
    step.map_or_else(|| "the run".into(), |step| format!("step {step}"))
}
