//! Runs, their steps and attempts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Approval, Lock, StepView, Time};

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
    /// Why it stands so, where that is not plain.
    pub reason: Option<String>,
    /// The step that it was about.
    pub step: Option<String>,
    /// The step's status after it.
    pub step_status: Option<String>,
    /// How far the people are who the step asks.
    pub approval: Option<Approval>,
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
    /// How long the recovery has taken.
    pub recovery: Recovery,
    /// Length of the critical path by the plan's estimates.
    pub predicted_ms: Option<u64>,
    /// The steps on which the end depends, in order.
    pub critical_path: Vec<String>,
    /// Leaders that took this run over while it was under way.
    pub takeovers: u32,
    /// Locks from its start to its end.
    pub locks: Vec<String>,
    /// Those of them that others hold, while it is queued for them.
    pub waits_for_locks: Vec<Lock>,
    /// Child plans, and the version of each that the run keeps.
    pub children: BTreeMap<String, u32>,
    /// In the plan's order, then what fan-outs and child plans added.
    pub steps: Vec<StepView>,
    /// The log index that this reflects.
    pub revision: u64,
}

/// How long the recovery has taken, by the plan's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// Cluster time from the run's start to where the clock stops, or to now.
    pub elapsed_ms: u64,
    /// It counts no further.
    pub over: bool,
    /// The step with which it stops; `None`: with the run.
    pub stop: Option<String>,
}

/// What a plan promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Objectives {
    /// Recovery time, milliseconds.
    pub rto_ms: Option<u64>,
    /// Recovery point, milliseconds.
    pub rpo_ms: Option<u64>,
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
