//! The log's alphabet: what may be asked of the state, and how it answers.
//!
//! The order of the variants is the format on disk: append only.

use std::collections::BTreeMap;

use baton_plan::StepTemplate;
use baton_plan::plan::Plan;
use serde::{Deserialize, Serialize};

use crate::rejection::Rejection;
use crate::stamp::Stamp;
use crate::step::{Answered, Outcome};

/// What one log entry carries: everything that waited at the proposer, stamped once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// When the leader proposed it.
    pub stamp: Stamp,
    /// The term in which the proposer took office. A batch of another term than the newest
    /// office's is refused whole: its proposer decided by a clock that no longer counts.
    pub term: u64,
    /// The commands, applied in order.
    pub commands: Vec<Command>,
}

/// How a command was answered.
pub type Reply = Result<Answer, Rejection>;

/// Who asks, and under which id: the same id with the same body is answered again without being
/// done again; with another body it is an error.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the client, unique for each thing that it wants done.
    pub id: String,
    /// Who asks, for the record.
    pub operator: String,
    /// The roles that the asker claims; approvals may ask for one. They are claims, as the name is: the cluster keeps
    /// them in the record and proves neither.
    pub roles: Vec<String>,
}

/// Which attempt (or which probe of it) a message is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptKey {
    /// The run.
    pub run: String,
    /// The step's name.
    pub step: String,
    /// 1, 2, …
    pub attempt: u32,
    /// The fencing token of the grant.
    pub token: u64,
}

/// Which agent speaks, and out of which journal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Speaker {
    /// The agent's name.
    pub agent: String,
    /// Its journal's id.
    pub incarnation: String,
}

/// How the leaving side of a failover is to be treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Both sides answer: a planned switch.
    Graceful,
    /// The old side may be gone.
    Ungraceful,
}

/// A person's word on a step whose outcome is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resolution {
    /// It took effect.
    Succeeded,
    /// It did not, and shall not be tried again.
    Failed,
    /// It did not, and shall be attempted again.
    Retry,
}

/// What a person may decide about a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Decision {
    /// Start nothing new; what runs goes on.
    Pause,
    /// Let a paused run go on.
    Resume,
    /// End the run: what has not begun never will, what runs is stopped.
    Cancel {
        /// And take back what was done.
        undo: bool,
    },
    /// Take back what was done, in reverse order of the graph.
    Undo,
    /// Treat the old side as gone from here on: the run, or one of its steps.
    Escalate {
        /// The step's name; `None` means the whole run.
        step: Option<String>,
    },
    /// A decision on one step.
    Step {
        /// The step's name.
        step: String,
        /// What is decided.
        choice: Choice,
    },
}

/// What a person may decide about one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Choice {
    /// Say yes to an approval.
    Approve,
    /// Say no to an approval, to manual work, or to overriding a gate.
    Decline,
    /// Manual work is done; the reason says what shows it.
    Finish,
    /// Let a gate that does not hold pass.
    Override,
    /// Go on without the step, or without its undo.
    Skip,
    /// Attempt a failed step, or a failed undo, again; of a fan-out, the failed items only.
    Retry,
    /// Ask the probe of a step in doubt again.
    Ask,
    /// Decide a step whose outcome is not known, or that failed.
    Resolve(Resolution),
}

impl Choice {
    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Choice::Approve => "approve",
            Choice::Decline => "decline",
            Choice::Finish => "finish",
            Choice::Override => "override",
            Choice::Skip => "skip",
            Choice::Retry => "retry",
            Choice::Ask => "ask",
            Choice::Resolve(_) => "resolve",
        }
    }
}

/// Everything that can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// A new leader begins to act.
    TakeOffice {
        /// Its id.
        node: u64,
    },
    /// Keep a checked plan as a new version.
    RegisterPlan {
        /// Who asks.
        request: Request,
        /// The checked plan: the text is never parsed again.
        plan: Box<Plan>,
        /// The text as written, to give back.
        source: String,
    },
    /// Keep a checked step template as a new version.
    RegisterTemplate {
        /// Who asks.
        request: Request,
        /// The checked template.
        template: Box<StepTemplate>,
        /// The text as written, to give back.
        source: String,
    },
    /// Begin a run.
    StartRun {
        /// Who asks.
        request: Request,
        /// The plan's name.
        plan: String,
        /// Which version; the newest when absent, and any other is refused.
        version: Option<u32>,
        /// Values of parameters.
        params: BTreeMap<String, String>,
        /// How the old side is treated.
        mode: Mode,
        /// An exercise, not an emergency.
        drill: bool,
        /// Wait for locks that another run holds, instead of being refused.
        queue: bool,
    },
    /// A person decides about a run.
    Decide {
        /// Who decides.
        request: Request,
        /// The run.
        run: String,
        /// What.
        decision: Decision,
        /// Why, or what shows it.
        reason: String,
    },
    /// A region is gone for good, on a person's word: what ran there can act no more (semantics R5).
    DeclareLost {
        /// Who says so.
        request: Request,
        /// The region.
        region: String,
        /// Why; must not be empty.
        reason: String,
    },
    /// A region that was declared lost takes part again.
    RestoreRegion {
        /// Who says so.
        request: Request,
        /// The region.
        region: String,
        /// Why.
        reason: String,
    },
    /// Set a resource's capacity for the whole cluster, whatever plans say.
    SetCapacity {
        /// Who asks.
        request: Request,
        /// The resource's name.
        resource: String,
        /// Units; `None` gives it back to the plans.
        capacity: Option<u32>,
        /// Why.
        reason: String,
    },
    /// An agent has a session with the leader.
    JoinAgent(Join),
    /// An agent's lease has run out at the leader.
    ExpireAgent {
        /// Whose lease.
        speaker: Speaker,
    },
    /// May this attempt act? (semantics R2)
    Begin {
        /// Who asks.
        speaker: Speaker,
        /// The attempt.
        key: AttemptKey,
    },
    /// How an attempt ended.
    Report {
        /// Who says so.
        speaker: Speaker,
        /// The attempt.
        key: AttemptKey,
        /// What it says.
        ending: Ending,
    },
    /// What a probe answered.
    AnswerProbe {
        /// Who says so.
        speaker: Speaker,
        /// The attempt, with the probe's own token.
        key: AttemptKey,
        /// The answer.
        answer: Answered,
        /// For people.
        reason: String,
    },
    /// What an expression evaluated to, computed by the leader outside of apply.
    Evaluate {
        /// The run.
        run: String,
        /// The step's name.
        step: String,
        /// Which expression of the step.
        subject: Subject,
        /// The value, or why there is none.
        result: Result<bool, String>,
    },
    /// A deadline of the state has passed.
    Tick,
    /// The state was restored from a copy, so what came after it is not known. Applied to the copy itself, before a
    /// cluster begins with it: no leader proposes it.
    BeginEpoch {
        /// See [`crate::reckoning::epoch_after`].
        epoch: u64,
        /// How it came to that.
        cause: Cause,
    },
    /// An agent tells a cluster of a new epoch what it has done.
    Recount {
        /// Who tells.
        speaker: Speaker,
        /// Attempts that its journal holds.
        held: Vec<AttemptKey>,
        /// Attempts that are over and acknowledged: the newest of each step, without its number.
        over: Vec<AttemptKey>,
    },
    /// A coordinator's id is given up for ever; its member is removed.
    RetireMember {
        /// The id.
        node: u64,
    },
    /// Where the leader should be. It decides by itself when it goes there.
    PreferRegion {
        /// Who asks.
        request: Request,
        /// The region; `None` means anywhere.
        region: Option<String>,
    },
}

/// Why an epoch began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// From a backup.
    Restored,
    /// From what a surviving minority had.
    Forced,
}

/// Which of a step's expressions is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Subject {
    /// Whether the step is done at all.
    When,
    /// Whether a gate holds.
    Gate,
    /// What the answer of the attempt with this token means.
    Success(u64),
}

/// What an agent says of itself when it comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// Name and journal.
    pub speaker: Speaker,
    /// The region that it serves.
    pub region: String,
    /// The place whose processes a successor under this name could find and end.
    pub host: String,
    /// The boot's id.
    pub boot: String,
    /// How many attempts it runs at once.
    pub slots: u32,
    /// For people.
    pub labels: BTreeMap<String, String>,
}

/// What a report says of the attempt's end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The outcome; `None` says that the attempt never started and never will.
    pub outcome: Option<Outcome>,
    /// The process's exit code, where it exited.
    pub exit_code: Option<i32>,
    /// For people: "timed out after 20s".
    pub reason: String,
    /// `key=value` lines of `BATON_OUTPUT`.
    pub outputs: BTreeMap<String, String>,
    /// Bounded tail.
    pub stdout: String,
    /// Bounded tail.
    pub stderr: String,
}

/// What an accepted command is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// A plan stands under this version.
    Registered {
        /// Its name.
        name: String,
        /// Its version.
        version: u32,
        /// It stood there before.
        unchanged: bool,
    },
    /// A run was started.
    Started {
        /// Its id.
        run: String,
    },
    /// A decision about a run was carried out.
    Decided {
        /// The run.
        run: String,
    },
    /// The attempt may act.
    Begun,
    /// The report stands in the record: the agent may forget the attempt.
    Recorded,
    /// Done, with nothing more to say.
    Done,
}
