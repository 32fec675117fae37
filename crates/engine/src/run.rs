//! One run: a plan version being carried out, with its timeline.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use baton_plan::plan::StepIndex;
use serde::{Deserialize, Serialize};

use crate::attention::Attention;
use crate::command::Mode;
use crate::event::{Event, Record};
use crate::locks::Owner;
use crate::stamp::Moment;
use crate::step::{Status as StepStatus, StepState};

/// Where a run stands; the words of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Steps are granted as they become ready, or the last ones are awaited.
    Running,
    /// Nothing new starts until an operator says so.
    Paused,
    /// What was done is being undone, in reverse order.
    Unwinding,
    /// An undo cannot go on by itself.
    Stuck,
    /// Every step is done.
    Succeeded,
    /// A step failed.
    Failed,
    /// An operator ended it.
    Canceled,
    /// What was done was undone.
    Undone,
}

impl Status {
    /// The transition table: what may follow.
    pub fn may_become(self, next: Status) -> bool {
        use Status::*;
        match self {
            Running => matches!(next, Paused | Stuck | Unwinding | Succeeded | Failed | Canceled),
            Paused => matches!(next, Running | Unwinding | Succeeded | Failed | Canceled),
            Unwinding => matches!(next, Stuck | Undone),
            Stuck => matches!(next, Running | Unwinding | Failed | Undone),
            // What has ended can still be undone, on a person's word.
            Succeeded | Failed | Canceled => next == Unwinding,
            Undone => false,
        }
    }

    /// Nothing about it changes any more by itself.
    pub fn has_ended(self) -> bool {
        matches!(self, Status::Succeeded | Status::Failed | Status::Canceled | Status::Undone)
    }

    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Unwinding => "unwinding",
            Status::Stuck => "stuck",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::Canceled => "canceled",
            Status::Undone => "undone",
        }
    }
}

/// Where a plan that is being carried out is heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Heading {
    /// To the end of the plan.
    Through,
    /// To `failed`, as soon as what runs has ended.
    Failing,
    /// To `canceled`, as soon as what runs has ended.
    Canceling,
    /// To `undone`, as soon as what runs has ended and what was done is undone.
    Unwinding,
}

/// A plan being carried out inside of a run: the run's own, or a child plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The plan's name.
    pub plan: String,
    /// Its version.
    pub version: u32,
    /// The node that it is the plan of; `None` for the run's own.
    pub parent: Option<usize>,
    /// The node of its first step; the others follow in the plan's order.
    pub first: usize,
    /// Every parameter's value, defaults filled in.
    pub params: BTreeMap<String, String>,
    /// Where it is heading.
    pub heading: Heading,
    /// Cluster time at which it began.
    pub started_ms: u64,
    /// Its time was over before it was done.
    pub timed_out: bool,
    /// It has come to its end.
    pub ended: bool,
    /// Why it is heading elsewhere than through.
    pub reason: Option<String>,
}

impl Frame {
    /// A plan that begins now.
    pub fn new(
        plan: String,
        version: u32,
        parent: Option<usize>,
        first: usize,
        params: BTreeMap<String, String>,
        started_ms: u64,
    ) -> Frame {
        Frame {
            plan,
            version,
            parent,
            first,
            params,
            heading: Heading::Through,
            started_ms,
            timed_out: false,
            ended: false,
            reason: None,
        }
    }
}

/// A step's place among the ready ones: the longest way to the end first, milliseconds.
pub type Rank = (Reverse<u64>, StepIndex);

/// A plan version being carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id: the plan's name and a number.
    pub id: String,
    /// Its place in the order of all starts.
    pub number: u64,
    /// The plan's name.
    pub plan: String,
    /// The version that it began with and keeps.
    pub version: u32,
    /// How the old side is treated.
    pub mode: Mode,
    /// An exercise.
    pub drill: bool,
    /// Versions of the child plans, as they were at its start.
    pub pins: BTreeMap<String, u32>,
    /// The plans that it carries out: its own, then child plans in the order in which they began.
    pub frames: Vec<Frame>,
    /// Who started it.
    pub operator: String,
    /// Where it stands.
    pub status: Status,
    /// Why, for people.
    pub reason: Option<String>,
    /// The failed step that paused it.
    pub paused_by: Option<StepIndex>,
    /// Optional steps that failed, and undos that were skipped.
    pub exceptions: u32,
    /// Leaders that took it over while it was under way.
    pub takeovers: u32,
    /// When it began.
    pub started: Moment,
    /// When it ended.
    pub ended: Option<Moment>,
    /// Locks that it holds, or waits for, from its start to its end.
    pub locks: Vec<String>,
    /// It waits for its locks, and has started nothing.
    pub queued: bool,
    /// By step in the plan's order, then what fan-outs and child plans added.
    pub steps: Vec<StepState>,
    /// The steps that were added, by name.
    pub named: BTreeMap<String, StepIndex>,
    /// Steps that wait with everything that they need done, the longest way to the end first.
    pub ready: BTreeSet<Rank>,
    /// Steps of which something is under way, or hangs on an answer.
    pub open: BTreeSet<StepIndex>,
    /// Steps whose effect is to be taken back and is not yet.
    pub undoing: BTreeSet<StepIndex>,
    /// Barriers that wait.
    pub barriers: BTreeSet<StepIndex>,
    /// The cluster time at which it must be looked at again.
    pub alarm_ms: Option<u64>,
    /// What happened, in order.
    pub timeline: Vec<Record>,
    /// The log index of its last change.
    pub changed: u64,
    /// Which of its steps are to be looked at.
    #[serde(skip)]
    pub attention: Attention,
}

impl Run {
    /// Adds to the timeline.
    pub fn record(&mut self, at: Moment, event: Event) {
        let before = self.timeline.last().map_or(0, |record| record.digest);
        let sequence = self.timeline.len() as u64 + 1;
        let digest = Record::link(before, sequence, &at, &event);
        self.changed = at.index;
        // To grow by half of itself would waste more than the lines of many runs need.
        if self.timeline.len() == self.timeline.capacity() {
            self.timeline.reserve_exact(4 + self.timeline.len() / 8);
        }
        self.timeline.push(Record { sequence, at, event, digest });
    }

    /// Milliseconds of cluster time from its start to its end, or to `now_ms`.
    pub fn elapsed_ms(&self, now_ms: u64) -> u64 {
        let end = self.ended.map_or(now_ms, |ended| ended.stamp.time_ms);
        end.saturating_sub(self.started.stamp.time_ms)
    }

    /// Where the run itself is heading.
    pub fn heading(&self) -> Heading {
        self.frames[0].heading
    }

    /// Where it stands and where it goes, for a refusal: "running, but canceled by ana".
    pub fn way(&self) -> String {
        match (self.status, self.heading(), &self.reason) {
            (_, Heading::Through, _) | (_, _, None) => self.status.word().to_owned(),
            (_, _, Some(reason)) => format!("on its way to its end ({reason})"),
        }
    }

    /// Steps of a status, in the plan's order.
    pub fn steps_in(&self, status: StepStatus) -> impl Iterator<Item = StepIndex> + '_ {
        self.steps.iter().enumerate().filter(move |(_, step)| step.status == status).map(|(index, _)| index)
    }

    /// A node and everything that it is a part of, from the inside out.
    pub fn chain(&self, index: StepIndex) -> impl Iterator<Item = StepIndex> + '_ {
        std::iter::successors(Some(index), |index| self.holder(*index))
    }

    /// The node that a node is a part of: the fan-out of an item, the step of a child plan.
    fn holder(&self, index: StepIndex) -> Option<StepIndex> {
        let origin = &self.steps[index].origin;
        origin.parent.or(self.frames[origin.frame].parent)
    }

    /// Whether a node belongs to what a frame carries out, directly or deeper inside.
    pub fn is_within(&self, index: StepIndex, frame: usize) -> bool {
        self.chain(index).any(|index| self.steps[index].origin.frame == frame)
    }

    /// Whether what this owner holds is held for a node: by the run, by the node, or by what it is a part of.
    pub fn is_held_for(&self, owner: &Owner, index: StepIndex) -> bool {
        let own = |step: StepIndex| self.chain(index).any(|part| part == step);
        owner.run == self.id && owner.step.is_none_or(own)
    }

    /// The item of the fan-out that a node is in.
    pub fn item(&self, index: StepIndex) -> Option<&str> {
        self.chain(index).find_map(|index| self.steps[index].origin.item.as_deref())
    }
}
