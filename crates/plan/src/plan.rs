//! A checked plan: what the log carries and the engine runs. It is built by [`crate::check`]
//! alone, so whoever holds one need not ask again whether it is sound.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::expression::Expression;
use crate::reference::Template;

/// Position of a step in [`Plan::steps`].
pub type StepIndex = usize;

/// What a recovery team wrote, checked and with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Plan {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.owner`.
    pub owner: Option<String>,
    /// `metadata.description`.
    pub description: Option<String>,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `spec.pattern`.
    pub pattern: Option<Pattern>,
    /// Recovery time objective, milliseconds.
    pub rto_ms: Option<u64>,
    /// Recovery point objective, milliseconds.
    pub rpo_ms: Option<u64>,
    /// Parameters in the order in which they are written.
    pub params: Vec<Param>,
    /// How many of a run's steps may be under way at once.
    pub limits: Limits,
    /// Steps in the order in which they are written.
    pub steps: Vec<Step>,
}

/// The recovery pattern that the plan follows; for people and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// Restore from a backup into an empty region.
    BackupRestore,
    /// A small core runs in the other region.
    PilotLight,
    /// A scaled-down copy runs in the other region.
    WarmStandby,
    /// Both regions serve.
    ActiveActive,
}

/// A value that is given when a run starts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Param {
    /// Its name, unique in the plan.
    pub name: String,
    /// What values it takes.
    pub kind: ParamKind,
    /// Used when the start names none; without it the value must be given.
    pub default: Option<String>,
    /// For people.
    pub description: Option<String>,
}

/// What values a parameter takes. All travel as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParamKind {
    /// Any text.
    String,
    /// The name of a region: lower-case letters, digits and dashes.
    Region,
    /// A whole number that fits 64 bits.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A duration such as `90s`.
    Duration,
}

/// How many of a run's steps may be under way at once; `None` means no limit but the agents' slots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// In the whole run.
    pub parallel: Option<u32>,
    /// In any one region.
    pub per_region: Option<u32>,
}

/// One node of the graph.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// Its name, unique in the plan.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// The steps that must be done before, in the order in which they are written.
    pub needs: Vec<StepIndex>,
    /// Where it runs; a step that an agent performs always has one.
    pub region: Option<Template>,
    /// What it does.
    pub action: Action,
    /// Doing it twice is the same as doing it once.
    pub idempotent: bool,
    /// An idempotent step that waits for quiescence before a new attempt, like the others (semantics R5).
    pub strict: bool,
    /// The target refuses older tokens, so an old executor can do no harm (semantics R5).
    pub fenced: bool,
    /// Exit codes that say that nothing happened.
    pub no_effect: Vec<i32>,
    /// The step is skipped when this is false.
    pub when: Option<Expression>,
    /// The question "has this step's effect happened?".
    pub probe: Option<Probe>,
    /// How long one attempt may take, milliseconds.
    pub timeout_ms: u64,
    /// How often to try, and how long to wait between.
    pub retry: Retry,
    /// May fail or be unreachable: the run goes on, with an exception.
    pub optional: bool,
    /// How long one attempt usually takes, milliseconds; for the critical path.
    pub estimate_ms: Option<u64>,
    /// What a failure does to the run.
    pub on_failure: OnFailure,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Action {
    /// A process on an agent of the step's region.
    Command(Command),
    /// Nothing. With a region it takes the whole way through an agent; without one it is done at once.
    Noop,
    /// Time passes; no agent is needed. Milliseconds.
    WaitFor(u64),
    /// Until a probe holds, asked by an agent of the step's region.
    WaitUntil {
        /// The question; exit 0 holds.
        probe: Command,
        /// Pause between two questions, milliseconds.
        interval_ms: u64,
    },
}

/// A process to start.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Command {
    /// Run under `sh -c`, passed on untouched: `${…}` in it is the shell's.
    Shell(String),
    /// Executed as it stands, once its references are filled in.
    Argv(Vec<Template>),
}

/// The question "has this step's effect happened?". Exit 0: it happened; 1: it did not; anything else: unknown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Probe {
    /// The process that asks; it changes nothing.
    pub command: Command,
    /// How long the answer may take, milliseconds; later is unknown.
    pub timeout_ms: u64,
}

/// How often to try a step, and how long to wait between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// Pause after the first failure, milliseconds; doubles with each further one.
    pub backoff_ms: u64,
    /// The longest pause, milliseconds.
    pub max_backoff_ms: u64,
}

/// What the failure of a step does to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Nothing new starts; what runs may finish; then the run has failed.
    Stop,
    /// Nothing new starts until an operator decides.
    Pause,
}
