//! One attempt in the agent's own words: what it is asked to do and what became of it. Both are
//! written to disk, so the order of fields and variants here is a format.

use std::collections::BTreeMap;
use std::fmt;

use baton_storage::codec::Record;
use serde::{Deserialize, Serialize};

/// Which attempt, and by which grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    pub run: String,
    pub step: String,
    /// 1, 2, …
    pub attempt: u32,
    /// The fencing token: larger is newer, across all runs.
    pub token: u64,
}

/// A run and one of its steps.
pub(crate) type StepOfRun = (String, String);

impl Key {
    /// The step, whichever attempt at it.
    pub(crate) fn step_of_run(&self) -> StepOfRun {
        (self.run.clone(), self.step.clone())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key { run, step, attempt, token } = self;
        write!(f, "{run}/{step} attempt {attempt} (token {token})")
    }
}

/// What the leader asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    pub key: Key,
    /// A question that changes nothing: no Begin, no journal.
    pub probe: bool,
    /// No Begin; its supervisor ends it when the lease runs out.
    pub idempotent: bool,
    pub action: Action,
    pub environment: BTreeMap<String, String>,
    /// Zero means no limit.
    pub timeout_ms: u64,
}

/// What an attempt does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// A process, started as its argv stands.
    Command(Vec<String>),
    /// Nothing.
    Noop,
    /// A question asked again and again until it exits with 0.
    Wait { until: Vec<String>, interval_ms: u64 },
    /// A process with secrets, or what the agent does itself.
    Call(Call),
    /// A question asked again and again until it holds, and has held for so long.
    Until { question: Call, interval_ms: u64, stable_ms: u64 },
}

/// What one process does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// What its argv says; the secrets are variables with where each is read.
    Process { argv: Vec<String>, secrets: BTreeMap<String, String> },
    /// A native action: its kind, and what is asked, as JSON.
    Native { kind: String, asked: String },
}

impl Call {
    /// A process without secrets.
    pub fn process(argv: Vec<String>) -> Call {
        Call::Process { argv, secrets: BTreeMap::new() }
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Succeeded,
    Failed,
    /// Ended without an answer; its tree is proven gone.
    Unknown,
    /// Never started and never will.
    NotStarted,
}

/// An outcome with what people and later steps want to know about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub key: Key,
    pub probe: bool,
    pub outcome: Outcome,
    pub exit_code: Option<i32>,
    /// For people: "timed out after 20s".
    pub reason: String,
    pub outputs: BTreeMap<String, String>,
    /// Bounded tails.
    pub stdout: String,
    pub stderr: String,
}

impl Report {
    /// A report without a process behind it.
    pub fn bare(key: Key, outcome: Outcome, reason: impl Into<String>) -> Report {
        Report {
            key,
            probe: false,
            outcome,
            exit_code: None,
            reason: reason.into(),
            outputs: BTreeMap::new(),
            stdout: String::new(),
            stderr: String::new(),
        }
    }
}

impl Record for Assignment {
    const MAGIC: u8 = 0xa1;
    const VERSION: u16 = 1;
}

/// The exit record of an attempt's folder.
impl Record for Report {
    const MAGIC: u8 = 0xa2;
    const VERSION: u16 = 1;
}
