//! One run: a plan version being carried out, with its timeline.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use baton_plan::plan::StepIndex;
use serde::{Deserialize, Serialize};

use crate::chain;
use crate::command::Mode;
use crate::event::{Event, Record};
use crate::plans::PlanVersion;
use crate::stamp::Moment;
use crate::step::{Status as StepStatus, StepState};

/// Where a run stands; the words of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Steps are granted as they become ready, or the last ones are awaited.
    Running,
    /// Nothing new starts until an operator says so.
    Paused,
    /// Every step is done.
    Succeeded,
    /// A step failed.
    Failed,
    /// An operator ended it.
    Canceled,
}

impl Status {
    /// The transition table: what may follow.
    pub fn may_become(self, next: Status) -> bool {
        use Status::{Canceled, Failed, Paused, Running, Succeeded};
        match self {
            Running => matches!(next, Paused | Succeeded | Failed | Canceled),
            Paused => matches!(next, Running | Succeeded | Failed | Canceled),
            Succeeded | Failed | Canceled => false,
        }
    }

    /// Nothing about it changes any more.
    pub fn has_ended(self) -> bool {
        !matches!(self, Status::Running | Status::Paused)
    }

    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::Canceled => "canceled",
        }
    }
}

/// Where a run that has not ended is heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Heading {
    /// To the end of the plan.
    Through,
    /// To `failed`, as soon as what runs has ended.
    Failing,
    /// To `canceled`, as soon as what runs has ended.
    Canceling,
}

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
    /// Every parameter's value, defaults filled in.
    pub params: BTreeMap<String, String>,
    /// Who started it.
    pub operator: String,
    /// Where it stands.
    pub status: Status,
    /// Why, for people.
    pub reason: Option<String>,
    /// Where it is heading.
    pub heading: Heading,
    /// Optional steps that failed.
    pub exceptions: u32,
    /// Leaders that took it over while it was under way.
    pub takeovers: u32,
    /// When it began.
    pub started: Moment,
    /// When it ended.
    pub ended: Option<Moment>,
    /// By step, in the plan's order.
    pub steps: Vec<StepState>,
    /// Steps that wait with everything that they need done, the longest way to the end first.
    pub ready: BTreeSet<(Reverse<u64>, StepIndex)>,
    /// Steps that are running, probing or in doubt.
    pub open: BTreeSet<StepIndex>,
    /// The cluster time at which it must be looked at again.
    pub alarm_ms: Option<u64>,
    /// What happened, in order.
    pub timeline: Vec<Record>,
    /// The log index of its last change.
    pub changed: u64,
}

impl Run {
    /// A step that this run may not touch yet has `unmet` needs; the ones without are ready.
    pub fn fresh_steps(version: &PlanVersion, index: u64) -> Vec<StepState> {
        version.plan.steps.iter().map(|step| StepState::new(step.needs.len(), index)).collect()
    }

    /// Adds to the timeline.
    pub fn record(&mut self, at: Moment, event: Event) {
        let before = self.timeline.last().map_or(0, |record| record.digest);
        let sequence = self.timeline.len() as u64 + 1;
        let digest = chain::link(before, &Record::line(sequence, &at, &event));
        self.changed = at.index;
        self.timeline.push(Record { sequence, at, event, digest });
    }

    /// Milliseconds of cluster time from its start to its end, or to `now_ms`.
    pub fn elapsed_ms(&self, now_ms: u64) -> u64 {
        let end = self.ended.map_or(now_ms, |ended| ended.stamp.time_ms);
        end.saturating_sub(self.started.stamp.time_ms)
    }

    /// Steps of a status, in the plan's order.
    pub fn steps_in(&self, status: StepStatus) -> impl Iterator<Item = StepIndex> + '_ {
        self.steps.iter().enumerate().filter(move |(_, step)| step.status == status).map(|(index, _)| index)
    }
}
