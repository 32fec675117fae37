//! The way back: steps whose effect is to be taken back, in reverse order of the graph. An undo is granted, begun,
//! reported, probed and doubted exactly as the doing is (`grant`, `doubt`); only the order is its own.

use baton_plan::plan::{Action, StepIndex};

use crate::event::Event;
use crate::grant::Hindrance;
use crate::run::{Heading, Status as RunStatus};
use crate::step::{Direction, Outcome, Status};
use crate::turn::Turn;

impl Turn<'_> {
    /// Takes back everything that a frame did; nothing new starts in it.
    pub(crate) fn unwind_frame(&mut self, frame: usize, reason: String) {
        self.run.frames[frame].heading = Heading::Unwinding;
        self.run.frames[frame].reason = Some(reason.clone());
        if frame == 0 {
            self.run.status = RunStatus::Unwinding;
            self.run.reason = Some(reason.clone());
            (self.run.ended, self.run.frames[0].ended) = (None, false);
            self.run.paused_by = None;
        }
        self.head_inner_frames(frame, Heading::Canceling);
        let step = self.run.frames[frame].parent.map(|parent| self.name(parent));
        self.record(Event::UnwindingBegan { step, reason });
        self.call_off(frame);
        let first = self.run.frames[frame].first;
        let steps = self.version(frame).plan.steps.len();
        (first..first + steps).for_each(|index| self.want_back(index));
    }

    /// Takes back what was done for one step alone.
    pub(crate) fn unwind_branch(&mut self, index: StepIndex) {
        let origin = self.run.steps[index].origin.clone();
        let first = self.run.frames[origin.frame].first;
        let branch = self.version(origin.frame).graph.branch_of(origin.definition);
        let step = self.name(index);
        self.record(Event::BranchUnwinding { step });
        branch.into_iter().for_each(|definition| self.want_back(first + definition));
    }

    /// Child plans inside of a frame go the same way.
    pub(crate) fn head_inner_frames(&mut self, frame: usize, heading: Heading) {
        for inner in frame + 1..self.run.frames.len() {
            let Some(parent) = self.run.frames[inner].parent else { continue };
            if !self.run.frames[inner].ended && self.run.is_within(parent, frame) {
                self.run.frames[inner].heading = heading;
            }
        }
    }

    /// The step's effect is to be taken back, if it has one or may yet have one.
    fn want_back(&mut self, index: StepIndex) {
        // One that did nothing stands between others, whose order goes through it.
        let state = self.state(index);
        if state.status != Status::Undone {
            state.unwind = true;
            self.run.undoing.insert(index);
        }
    }

    /// Lets every undo move that can.
    pub(crate) fn settle_undoing(&mut self) -> bool {
        let mut starved = false;
        let undoing: Vec<_> = self.run.undoing.iter().rev().copied().collect();
        for index in undoing {
            starved |= self.settle_undo(index);
        }
        starved
    }

    /// True when the undo could use something that somebody else holds.
    fn settle_undo(&mut self, index: StepIndex) -> bool {
        if !self.may_undo(index) {
            return false;
        }
        let state = &self.run.steps[index];
        if self.is_group(index) && state.status != Status::Waiting {
            return self.settle_group_undo(index);
        }
        match (state.status, state.direction) {
            (Status::Succeeded, _) => self.begin_undo(index),
            (Status::InDoubt, Direction::Do) => self.undo_a_doubt(index),
            // It had not begun, or was to be attempted again.
            (Status::Waiting | Status::AwaitingApproval, _) => self.cancel_step(index),
            (Status::Failed | Status::Canceled | Status::Skipped, Direction::Do)
                if state.may_have_acted() =>
            {
                self.undo_what_may_have_happened(index);
            }
            (Status::Failed | Status::Canceled | Status::Skipped | Status::Undone, _) => {
                self.run.undoing.remove(&index);
            }
            _ => {}
        }
        let state = &self.run.steps[index];
        state.status == Status::Undoing && state.idle && self.grant_undo(index)
    }

    /// Everything that depended on the step is undone, or has nothing to undo (P3).
    fn may_undo(&self, index: StepIndex) -> bool {
        let clear = |index: StepIndex| !self.run.undoing.contains(&index) && !self.run.open.contains(&index);
        self.dependents(index).all(clear)
    }

    pub(crate) fn begin_undo(&mut self, index: StepIndex) {
        if self.step(index).undo.is_none() {
            self.run.undoing.remove(&index);
            if !self.run.steps[index].attempts.is_empty() {
                let text = match self.run.steps[index].status {
                    Status::Succeeded => "it has no undo: its effect stays",
                    _ => "it has no undo: if it happened, its effect stays",
                };
                self.state(index).reason = Some(text.into());
            }
            return;
        }
        let state = self.state(index);
        state.direction = Direction::Undo;
        (state.failures, state.losses, state.not_before_ms) = (0, 0, 0);
        (state.question, state.idle) = (None, true);
        self.turn_to(index, Status::Undoing, None);
        let step = self.name(index);
        self.record(Event::UndoBegan { step });
    }

    /// Whether the doing happened is not known. An undo that may be repeated is harmless then, once the old executor
    /// provably can act no more: a late doing after its undo would stand. Otherwise a person decides first.
    fn undo_a_doubt(&mut self, index: StepIndex) {
        let state = &self.run.steps[index];
        let gone = state.attempt().is_some_and(|attempt| attempt.gone) || self.work(index).fenced;
        let harmless = self.step(index).undo.as_ref().is_some_and(|undo| undo.idempotent);
        if gone && harmless {
            self.end_attempt(index, Outcome::Unknown, None);
            self.let_go(index);
            self.begin_undo(index);
        }
    }

    /// The doing was given up on without an answer (semantics section 4, rule 4).
    fn undo_what_may_have_happened(&mut self, index: StepIndex) {
        self.begin_undo(index);
        let repeatable = self.step(index).undo.as_ref().is_none_or(|undo| undo.idempotent);
        if !repeatable {
            let why = "whether the step happened is not known, and its undo is not idempotent";
            self.fail_undo(index, why.into());
        }
    }

    fn grant_undo(&mut self, index: StepIndex) -> bool {
        if self.run.status == RunStatus::Paused {
            return false;
        }
        let until_ms = self.run.steps[index].not_before_ms;
        if until_ms > self.now_ms() {
            self.alarm_at(until_ms);
            return false;
        }
        match self.has_room(index).and_then(|()| self.grant_to_agent(index)) {
            Ok(()) => false,
            Err(hindrance) => self.hindered(index, &hindrance),
        }
    }

    /// A group is back when all that it did is back. True when it waits for a lock.
    fn settle_group_undo(&mut self, index: StepIndex) -> bool {
        let members = self.run.steps[index].members.clone();
        match self.run.steps[index].status {
            Status::Running => {}
            Status::Undoing => {
                let moving = members.clone().any(|member| self.run.open.contains(&member));
                if !moving && self.run.undoing.range(members).next().is_none() {
                    self.undone(index, None);
                }
            }
            _ if members.clone().all(|member| self.run.steps[member].status == Status::Undone) => {
                self.run.undoing.remove(&index);
            }
            _ => {
                if let Err(hindrance) = self.open_for_undo(index) {
                    return self.hindered(index, &hindrance);
                }
                members.for_each(|member| self.want_back(member));
                self.state(index).direction = Direction::Undo;
                self.turn_to(index, Status::Undoing, None);
                let step = self.name(index);
                self.record(Event::UndoBegan { step });
            }
        }
        false
    }

    /// A group goes back only where there is room for one more item, and a child plan only under the locks under which
    /// it was done; the items of a fan-out have their own.
    fn open_for_undo(&mut self, index: StepIndex) -> Result<(), Hindrance> {
        self.has_room(index)?;
        let is_child = matches!(self.work(index).action, Action::Child(_)) && !self.fans_out(index);
        if is_child { self.lock(index) } else { Ok(()) }
    }

    /// The effect was taken back.
    pub(crate) fn undone(&mut self, index: StepIndex, reason: Option<String>) {
        self.turn_to(index, Status::Undone, reason.clone());
        self.run.undoing.remove(&index);
        let step = self.name(index);
        self.record(Event::StepUndone { step, reason });
    }

    /// The undo failed for good: only a person gets the run on from here.
    pub(crate) fn fail_undo(&mut self, index: StepIndex, reason: String) {
        self.turn_to(index, Status::UndoFailed, Some(reason.clone()));
        let step = self.name(index);
        self.record(Event::UndoFailed { step, reason });
    }

    /// The run is stuck while an undo hangs on a person: at once where the whole of it unwinds, and where only a part
    /// of it does, when the rest has come to rest.
    pub(crate) fn settle_stuck(&mut self) {
        let whole = self.run.heading() == Heading::Unwinding;
        let hangs = |index: &StepIndex| {
            let state = &self.run.steps[*index];
            match state.status {
                Status::UndoFailed => self.run.undoing.contains(index),
                Status::InDoubt => whole || state.direction == Direction::Undo,
                _ => false,
            }
        };
        let open = self.run.attention.restless(&self.run.open);
        let first = self.run.undoing.iter().copied().chain(open).find(hangs);
        let next = match (self.run.status, first) {
            (RunStatus::Unwinding, Some(_)) => RunStatus::Stuck,
            (RunStatus::Running, Some(_)) if !whole && !self.run.is_moving() => RunStatus::Stuck,
            (RunStatus::Stuck, None) if whole => RunStatus::Unwinding,
            (RunStatus::Stuck, None) => RunStatus::Running,
            _ => return,
        };
        self.run.status = next;
        match first {
            Some(index) => {
                let step = self.name(index);
                self.record(Event::RunStuck { step });
            }
            None => self.record(Event::RunUnstuck),
        }
    }
}
