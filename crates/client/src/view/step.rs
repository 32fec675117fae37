//! The steps of a run, and the attempts at them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Lock, Time};

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepView {
    /// Its name: `promote`, `restore[shard-1]`, `move-db/promote`.
    pub step: String,
    /// The fan-out or child plan that it is a part of.
    pub parent: Option<String>,
    /// The item of the fan-out that it is for.
    pub item: Option<String>,
    /// `waiting`, `awaiting_approval`, `running`, `probing`, `in_doubt`, `succeeded`, `failed`, `skipped`, `undoing`,
    /// `undone`, `undo_failed` or `canceled`.
    pub status: String,
    /// Why, where that is not plain.
    pub reason: Option<String>,
    /// Where it runs; none for a step that no agent does.
    pub region: Option<String>,
    /// Doing it twice is the same as doing it once.
    pub idempotent: bool,
    /// It may fail.
    pub optional: bool,
    /// It stands on the critical path.
    pub critical: bool,
    /// `command`, `noop`, `wait`, `approval`, `manual`, `gate`, `barrier`, `plan` or `for_each`.
    pub kind: String,
    /// `do` or `undo`: which way it goes now.
    pub direction: String,
    /// It has an undo.
    pub undoable: bool,
    /// The modes in which it is done at all; empty means all of them.
    pub modes: Vec<String>,
    /// The mode in which it is done: the run's, unless it was escalated by itself.
    pub mode: String,
    /// The steps that must be done before.
    pub needs: Vec<String>,
    /// How long one attempt usually takes.
    pub estimate_ms: Option<u64>,
    /// Until its next attempt, or the end of its wait.
    pub not_before_ms_left: Option<u64>,
    /// Locks that it holds.
    pub locks: Vec<String>,
    /// Locks that others hold, while it waits for them.
    pub waits_for_locks: Vec<Lock>,
    /// Units by resource, while it is under way or in doubt.
    pub draws: BTreeMap<String, u32>,
    /// What people are asked.
    pub approval: Option<Approval>,
    /// What is known and what can be done, where it needs a person's decision.
    pub doubt: Option<Doubt>,
    /// What it handed on.
    pub outputs: BTreeMap<String, String>,
    /// Every attempt, the oldest first.
    pub attempts: Vec<AttemptView>,
}

/// What people are asked, and who has agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// The question, the instructions, or the gate's condition.
    pub message: String,
    /// How many different people must agree.
    pub approvers: u32,
    /// Roles of which a decider must have one; empty means anybody.
    pub roles: Vec<String>,
    /// Who has agreed.
    pub approved_by: Vec<String>,
    /// Until silence is an answer; none where it never is.
    pub deadline_ms_left: Option<u64>,
    /// Who started the run may not agree.
    pub two_person: bool,
}

/// What is known of a step that needs a person's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doubt {
    /// Which agent, last heard when, started or not.
    pub known: String,
    /// What can be decided.
    pub choices: Vec<Choice>,
}

/// One way on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// What to type.
    pub command: String,
    /// What it would do.
    pub what: String,
}

/// One attempt at a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptView {
    /// 1, 2, …
    pub attempt: u32,
    /// The fencing token: a larger one is newer, across all runs.
    pub token: u64,
    /// Who did it; none for a step that needs no agent.
    pub agent: Option<String>,
    /// `do` or `undo`.
    pub direction: String,
    /// `succeeded`, `failed` or `unknown`; none while it is under way.
    pub outcome: Option<String>,
    /// For people: why it ended as it did.
    pub reason: Option<String>,
    /// How its process ended, where it did by itself.
    pub exit_code: Option<i32>,
    /// Its agent was allowed to act; an idempotent step needs no permission.
    pub begun: bool,
    /// When it was granted.
    pub started_at: Option<Time>,
    /// When its end was recorded.
    pub ended_at: Option<Time>,
    /// Cluster time between these, or to now.
    pub elapsed_ms: u64,
    /// The end of what it printed.
    pub stdout: String,
    /// The end of what it complained about.
    pub stderr: String,
}

impl StepView {
    /// It will change no more, unless the run unwinds.
    pub fn has_ended(&self) -> bool {
        matches!(
            self.status.as_str(),
            "succeeded" | "failed" | "skipped" | "undone" | "undo_failed" | "canceled"
        )
    }

    /// Those that need it may go on: it succeeded, was skipped, or failed where it may.
    pub fn is_done(&self) -> bool {
        matches!(self.status.as_str(), "succeeded" | "skipped") || (self.optional && self.status == "failed")
    }

    /// The attempt that counts.
    pub fn last_attempt(&self) -> Option<&AttemptView> {
        self.attempts.last()
    }
}
