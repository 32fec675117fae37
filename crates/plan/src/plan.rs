//! A checked plan: what the log carries and the engine runs. It is built by [`crate::check`]
//! alone, so whoever holds one need not ask again whether it is sound.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::expression::Expression;
use crate::native::Native;
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
    /// How long the recovery may take, and where it ends.
    pub recovery: RecoveryTime,
    /// Recovery point objective, milliseconds.
    pub rpo_ms: Option<u64>,
    /// Parameters in the order in which they are written.
    pub params: Vec<Param>,
    /// How many of a run's steps may be under way at once.
    pub limits: Limits,
    /// Named capacities that steps draw on, in the order in which they are written.
    pub resources: Vec<Resource>,
    /// Names of locks that a run holds from its start to its end.
    pub locks: Vec<Template>,
    /// How long a run may take, milliseconds.
    pub timeout_ms: Option<u64>,
    /// What becomes of a run that takes longer, and of steps that do not say otherwise.
    pub on_failure: OnFailure,
    /// Steps in the order in which they are written.
    pub steps: Vec<Step>,
}

/// How long the recovery may take, and where it ends. The first two are written as `Option<u64>` was, which stood in their
/// place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RecoveryTime {
    /// Nothing is promised, and it ends with the run.
    #[default]
    Open,
    /// So many milliseconds to the end of the run.
    Run(u64),
    /// To the end of a step.
    Step {
        /// The step.
        stop: StepIndex,
        /// How many milliseconds, where anything is promised.
        rto_ms: Option<u64>,
    },
}

impl RecoveryTime {
    /// The objective, milliseconds.
    pub fn rto_ms(self) -> Option<u64> {
        match self {
            RecoveryTime::Open => None,
            RecoveryTime::Run(rto_ms) => Some(rto_ms),
            RecoveryTime::Step { rto_ms, .. } => rto_ms,
        }
    }

    /// The step with whose end the recovery ends; `None`: with the run's.
    pub fn stop(self) -> Option<StepIndex> {
        match self {
            RecoveryTime::Open | RecoveryTime::Run(_) => None,
            RecoveryTime::Step { stop, .. } => Some(stop),
        }
    }
}

impl Plan {
    /// Its objectives by their names in the file, milliseconds.
    pub fn objectives(&self) -> BTreeMap<String, u64> {
        let objectives = [("rto", self.recovery.rto_ms()), ("rpo", self.rpo_ms)];
        objectives.into_iter().filter_map(|(name, ms)| Some((name.to_owned(), ms?))).collect()
    }
}

/// A named capacity, shared by everything in the cluster that draws on it under this name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resource {
    /// Its name, unique in the plan.
    pub name: String,
    /// Units that may be drawn at once.
    pub capacity: u32,
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
    /// The only values that it takes; empty means any. Of a list, each item is one of them.
    pub choices: Vec<String>,
    /// A regular expression that fits the whole value. Of a list, each item.
    pub pattern: Option<String>,
    /// The least value: of an integer, or of a duration in milliseconds.
    pub min: Option<i64>,
    /// The greatest value: of an integer, or of a duration in milliseconds.
    pub max: Option<i64>,
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
    /// Items between commas.
    List,
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
    /// Who answers for it.
    pub owner: Option<String>,
    /// The steps that must be done before, in the order in which they are written.
    pub needs: Vec<StepIndex>,
    /// Where it runs; a step that an agent performs always has one.
    pub region: Option<Template>,
    /// Whether agents of other regions may do it once its own region was declared lost.
    pub elsewhere: bool,
    /// What it does, and how the answer is understood.
    pub work: Work,
    /// What takes its effect back, when the run unwinds. Most steps have none, and a plan may have thousands.
    pub undo: Option<Box<Work>>,
    /// The step is skipped when this is false.
    pub when: Option<Expression>,
    /// May fail or be unreachable: the run goes on, with an exception.
    pub optional: bool,
    /// How long one attempt usually takes, milliseconds; for the critical path.
    pub estimate_ms: Option<u64>,
    /// What a failure does to the run.
    pub on_failure: OnFailure,
    /// What it draws while an attempt is under way or in doubt.
    pub draws: Vec<Draw>,
    /// Names of locks that it holds from its start to its end.
    pub locks: Vec<Template>,
    /// One of it for each item of a list.
    pub for_each: Option<ForEach>,
    /// The modes in which it is done at all; empty means all of them.
    pub modes: Vec<Setting>,
    /// What is otherwise in some mode.
    pub variants: Vec<Variant>,
    /// Parameters of its own, which a step template brings along. In `work` and `undo`, the template's words, `params`
    /// are these alone. Everywhere else (`when`, `region`, `locks`, `for_each` and the values of these bindings) they
    /// are the plan's.
    pub with: Vec<Binding>,
    /// The step template that it was made from.
    pub uses: Option<Uses>,
}

/// What an attempt carries out, and how its end is understood. A step has one for its doing and may have one for its
/// undoing: both take the same way.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Work {
    /// What is done.
    pub action: Action,
    /// Doing it twice is the same as doing it once.
    pub idempotent: bool,
    /// An idempotent one that waits for quiescence before a new attempt, like the others (semantics R5).
    pub strict: bool,
    /// The target refuses older tokens, so an old executor can do no harm (semantics R5).
    pub fenced: bool,
    /// Exit codes that say that nothing happened.
    pub no_effect: Vec<i32>,
    /// The question "has this effect happened?".
    pub probe: Option<Probe>,
    /// Decides what the action's answer means; without it, exit code 0 is success.
    pub success: Option<Expression>,
    /// How long one attempt may take, milliseconds. People, gates and barriers have times of their own in their action;
    /// a child plan without a timeout of its own has 366 days.
    pub timeout_ms: u64,
    /// How often to try, and how long to wait between.
    pub retry: Retry,
}

/// The circumstance that a step's `modes` and `inMode` name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Setting {
    /// Both sides answer.
    Graceful,
    /// The old side may be gone.
    Ungraceful,
    /// An exercise, whichever the mode.
    Drill,
}

impl Setting {
    /// The word in a plan.
    pub fn word(self) -> &'static str {
        match self {
            Setting::Graceful => "graceful",
            Setting::Ungraceful => "ungraceful",
            Setting::Drill => "drill",
        }
    }
}

/// What a step does otherwise in one setting; `drill` goes before the mode.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Variant {
    /// In which.
    pub setting: Setting,
    /// What it does there, whole. A `Noop` here means that nothing is done there, at once, whether the step has a region
    /// or not: the region may be the one that is gone.
    pub work: Work,
    /// Whether it may fail there.
    pub optional: bool,
}

/// Units of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Draw {
    /// The resource's name; the plan declares it.
    pub resource: String,
    /// How many.
    pub units: u32,
}

/// One step for each item of a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ForEach {
    /// The list.
    pub items: Items,
    /// How many may be under way at once.
    pub parallel: Option<u32>,
    /// How many must succeed; all of them when absent.
    pub at_least: Option<u32>,
}

/// The items of a fan-out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Items {
    /// Written out.
    List(Vec<Template>),
    /// A text that is a list once its references are filled in: a JSON array of scalars, or items between commas or
    /// line ends.
    Text(Template),
}

/// A name that stands for a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Binding {
    /// The name.
    pub name: String,
    /// What values it takes.
    pub kind: ParamKind,
    /// The value, with references of the plan around.
    pub value: Template,
}

/// A step template, as a plan named it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Uses {
    /// Its name.
    pub name: String,
    /// The version that was found when the plan was checked; 0 for one that came with the binary.
    pub version: u32,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Action {
    /// A process on an agent of the step's region, or what that agent does itself.
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
    /// People agree, or do not.
    Approval(Approval),
    /// A person does something, and says what shows it.
    Manual(Manual),
    /// A condition that must hold.
    Gate(Gate),
    /// Some of the steps that it needs are enough.
    Barrier(Barrier),
    /// Another plan, carried out inside of this run.
    Child(Child),
    /// [`Action::WaitUntil`], and the probe must hold for a while without a break.
    WaitStable {
        /// The question; exit 0 holds.
        probe: Command,
        /// Pause between two questions, milliseconds.
        interval_ms: u64,
        /// For how long it must hold, milliseconds.
        stable_ms: u64,
    },
}

impl Action {
    /// What it is called: the key in a plan, without what belongs to the key.
    pub fn word(&self) -> &'static str {
        match self {
            Action::Command(Command::Native(native)) => native.kind.word(),
            Action::Command(_) => "command",
            Action::Noop => "noop",
            Action::WaitFor(_) | Action::WaitUntil { .. } | Action::WaitStable { .. } => "wait",
            Action::Approval(_) => "approval",
            Action::Manual(_) => "manual",
            Action::Gate(_) => "gate",
            Action::Barrier(_) => "barrier",
            Action::Child(_) => "plan",
        }
    }

    /// What a wait asks.
    pub fn question(&self) -> Option<&Command> {
        match self {
            Action::WaitUntil { probe, .. } | Action::WaitStable { probe, .. } => Some(probe),
            _ => None,
        }
    }

    /// Its work is one that an agent does and that answers: it can be probed, judged and tried again.
    pub(crate) fn is_performed(&self) -> bool {
        matches!(self, Action::Command(_))
    }
}

/// A person's consent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Approval {
    /// The question.
    pub message: Template,
    /// How many different people must agree.
    pub approvers: u32,
    /// Roles of which a decider must have one; empty means anybody.
    pub roles: Vec<String>,
    /// How long the question stands, milliseconds; without it, until somebody answers.
    pub timeout_ms: Option<u64>,
    /// What silence means.
    pub on_timeout: Silence,
    /// Who started the run may not agree.
    pub two_person: bool,
}

/// What silence means once the time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Silence {
    /// No: the step fails.
    Decline,
    /// Yes: the step succeeds.
    Approve,
}

/// A person's work.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Manual {
    /// What to do.
    pub instructions: Template,
    /// Roles of which the one who did it must have one; empty means anybody.
    pub roles: Vec<String>,
    /// How long it may take, milliseconds; then the step fails.
    pub timeout_ms: Option<u64>,
}

/// A condition that must hold; where it does not, an operator overrides it by name, or it fails.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Gate {
    /// The condition.
    pub expression: Expression,
    /// How long a false gate waits for an override, milliseconds; without it, until somebody decides.
    pub timeout_ms: Option<u64>,
}

/// Goes on when enough of the steps that it needs are done.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Barrier {
    /// How many.
    pub at_least: u32,
    /// How long to wait for them, milliseconds, from the moment at which the first of them could start.
    pub timeout_ms: Option<u64>,
    /// When the time is over: go on with those that are there, or fail.
    pub proceed: bool,
}

/// Another plan, carried out inside of this run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Child {
    /// The plan's name; its newest version at the run's start.
    pub plan: String,
    /// Values of its parameters, in the order in which they are written.
    pub params: Vec<(String, Template)>,
}

/// A process to start, or what the agent does itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Command {
    /// Run under `sh -c`, passed on untouched: `${…}` in it is the shell's.
    Shell(String),
    /// Executed as it stands, once its references are filled in.
    Argv(Vec<Template>),
    /// A process with secrets in its environment.
    Secretive {
        /// The process.
        run: Box<Command>,
        /// Variables, each with where its value is read: `env:NAME` or `file:PATH`.
        secrets: Vec<(String, Template)>,
    },
    /// Done by the agent itself.
    Native(Native),
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
    /// How much of a pause is left to chance, percent: 20 means that it lasts 80 to 100 percent of its length. The
    /// chance is drawn from the attempt's identity, so that it is the same on every coordinator.
    pub jitter_percent: u32,
}

/// What the failure of a step does to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Nothing new starts; what runs may finish; then the run has failed.
    Stop,
    /// Nothing new starts until an operator decides.
    Pause,
    /// What does not need the step goes on; then the run has failed.
    Continue,
    /// What was done is undone, in reverse order; then the run is undone.
    Undo,
    /// What was done for this step alone is undone; the rest goes on; then the run has failed.
    UndoBranch,
}

impl OnFailure {
    /// The word in a plan; the undo of a branch is written `{undo: branch}`.
    pub fn word(self) -> &'static str {
        match self {
            OnFailure::Stop => "stop",
            OnFailure::Pause => "pause",
            OnFailure::Continue => "continue",
            OnFailure::Undo => "undo",
            OnFailure::UndoBranch => "undo branch",
        }
    }
}
