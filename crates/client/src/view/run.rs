//! Runs, their steps and attempts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Time;

/// A run that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Started {
    /// Its id.
    pub run: String,
    /// The log index that brought it.
    #[serde(skip)]
    pub revision: u64,
}

/// What became of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// The run that it was about.
    pub run: String,
    /// The run's status after it.
    pub status: String,
    /// The log index that brought it.
    pub revision: u64,
}

/// A page of runs, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunList {
    /// The runs.
    pub runs: Vec<RunSummary>,
    /// There are older ones.
    pub more: bool,
    /// The log index that this reflects.
    pub revision: u64,
}

/// One line about a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunSummary {
    /// Its id.
    pub run: String,
    /// Its plan's name.
    pub plan: String,
    /// And version.
    pub plan_version: u32,
    /// `running`, `paused`, `unwinding`, `succeeded`, `failed`, `undone`, `canceled` or `stuck`.
    pub status: String,
    /// Why, where that is not plain.
    pub reason: Option<String>,
    /// When it was started.
    pub started_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// Steps of its plan.
    pub steps: u32,
    /// Steps that are done: succeeded, skipped, or failed where they may.
    pub steps_done: u32,
}

/// Everything about a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunView {
    /// Its id.
    pub run: String,
    /// Its plan's name.
    pub plan: String,
    /// And version.
    pub plan_version: u32,
    /// `graceful` or `ungraceful`.
    pub mode: String,
    /// An exercise.
    pub drill: bool,
    /// As in [`RunSummary::status`].
    pub status: String,
    /// Why, where that is not plain.
    pub reason: Option<String>,
    /// Nothing moves until a person decides.
    pub needs_operator: bool,
    /// Optional steps that failed.
    pub exceptions: u32,
    /// Values of the plan's parameters.
    pub params: BTreeMap<String, String>,
    /// Who started it.
    pub operator: String,
    /// When it was started.
    pub started_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// Cluster time from its start to its end, or to now.
    pub elapsed_ms: u64,
    /// What the plan promises.
    pub objectives: Objectives,
    /// Length of the critical path by the plan's estimates.
    pub predicted_ms: Option<u64>,
    /// The steps on which the end depends, in order.
    pub critical_path: Vec<String>,
    /// Leaders that took this run over while it was under way.
    pub takeovers: u32,
    /// In the plan's order.
    pub steps: Vec<StepView>,
    /// The log index that this reflects.
    pub revision: u64,
}

/// What a plan promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Objectives {
    /// Recovery time, milliseconds.
    pub rto_ms: Option<u64>,
    /// Recovery point, milliseconds.
    pub rpo_ms: Option<u64>,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepView {
    /// Its name.
    pub step: String,
    /// `waiting`, `running`, `probing`, `in_doubt`, `succeeded`, `failed`, `skipped`, `canceled`, …
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
    /// `command`, `noop` or `wait`.
    pub kind: String,
    /// The steps that must be done before.
    pub needs: Vec<String>,
    /// How long one attempt usually takes.
    pub estimate_ms: Option<u64>,
    /// What it handed on.
    pub outputs: BTreeMap<String, String>,
    /// Every attempt, the oldest first.
    pub attempts: Vec<AttemptView>,
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

impl RunView {
    /// It will change no more.
    pub fn has_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    /// A step by its name.
    pub fn step(&self, name: &str) -> Option<&StepView> {
        self.steps.iter().find(|step| step.step == name)
    }
}

impl StepView {
    /// It will change no more, unless the run unwinds.
    pub fn has_ended(&self) -> bool {
        matches!(
            self.status.as_str(),
            "succeeded" | "failed" | "skipped" | "undone" | "undo_failed" | "canceled"
        )
    }

    /// The attempt that counts.
    pub fn last_attempt(&self) -> Option<&AttemptView> {
        self.attempts.last()
    }
}
