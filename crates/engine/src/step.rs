//! One step of one run: its life as a table, and the attempts that were made at it.

use std::collections::BTreeMap;

use std::ops::Range;
use std::sync::Arc;

use baton_plan::plan::{Setting, StepIndex};
use serde::{Deserialize, Serialize};

use crate::command::{Ending, Speaker};
use crate::rare::Rare;
use crate::stamp::Moment;

/// Where a step stands; the words of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Not granted: something that it needs is missing, or a pause between attempts.
    Waiting,
    /// An attempt is granted or under way.
    Running,
    /// People are asked.
    AwaitingApproval,
    /// The outcome is unknown and a probe is being asked.
    Probing,
    /// The outcome is unknown and the system cannot settle it.
    InDoubt,
    /// Done.
    Succeeded,
    /// The action said that it failed, or could not be tried any more.
    Failed,
    /// Its condition was false.
    Skipped,
    /// The run ended before it began, or it was stopped.
    Canceled,
    /// Its effect is being taken back.
    Undoing,
    /// Its effect was taken back.
    Undone,
    /// The undo failed for good.
    UndoFailed,
}

impl Status {
    /// The transition table: what may follow.
    pub fn may_become(self, next: Status) -> bool {
        use Status::*;
        match self {
            Waiting => {
                matches!(next, Running | AwaitingApproval | Skipped | Canceled | Failed | Succeeded)
            }
            Running => {
                matches!(
                    next,
                    Waiting | Probing | InDoubt | Succeeded | Failed | Skipped | Canceled | Undoing
                )
            }
            AwaitingApproval => matches!(next, Waiting | Succeeded | Failed | Skipped | Canceled),
            Probing | InDoubt => matches!(
                next,
                Waiting
                    | Running
                    | Probing
                    | InDoubt
                    | Succeeded
                    | Failed
                    | Canceled
                    | Undoing
                    | Undone
                    | UndoFailed
            ),
            // Only a person's word changes what the action said; what a group did is undone all the same.
            Failed => matches!(next, Waiting | Running | Succeeded | Skipped | Undoing),
            Succeeded => next == Undoing,
            Undoing => matches!(next, Probing | InDoubt | Undone | UndoFailed),
            UndoFailed => matches!(next, Undoing | Undone),
            Canceled => matches!(next, Waiting | Running | Undoing),
            Skipped => next == Undoing,
            Undone => false,
        }
    }

    /// Something of it is under way, or hangs on an answer.
    pub fn is_open(self) -> bool {
        use Status::*;
        matches!(self, Running | AwaitingApproval | Probing | InDoubt | Undoing)
    }

    /// The step can change no more by itself.
    pub fn is_settled(self) -> bool {
        !self.is_open() && self != Status::Waiting
    }

    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Status::Waiting => "waiting",
            Status::Running => "running",
            Status::AwaitingApproval => "awaiting_approval",
            Status::Probing => "probing",
            Status::InDoubt => "in_doubt",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::Skipped => "skipped",
            Status::Canceled => "canceled",
            Status::Undoing => "undoing",
            Status::Undone => "undone",
            Status::UndoFailed => "undo_failed",
        }
    }
}

/// How an attempt ended. While it is under way there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// It took effect.
    Succeeded,
    /// The action said that it failed, or it provably never started.
    Failed,
    /// Nobody knows.
    Unknown,
}

impl Outcome {
    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Succeeded => "succeeded",
            Outcome::Failed => "failed",
            Outcome::Unknown => "unknown",
        }
    }
}

/// Which way a step is carried out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// As the plan says.
    #[default]
    Do,
    /// Back again.
    Undo,
}

impl Direction {
    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Direction::Do => "do",
            Direction::Undo => "undo",
        }
    }
}

/// What a probe says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answered {
    /// The effect is there.
    Happened,
    /// The effect is not there.
    DidNotHappen,
    /// The probe could not tell.
    Unknown,
}

/// One grant of a step to one agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1, 2, …, over both directions.
    pub number: u32,
    /// Which way.
    pub direction: Direction,
    /// It was made as one that may be repeated.
    pub idempotent: bool,
    /// The fencing token; larger than every earlier one of the cluster.
    pub token: u64,
    /// To whom, and under which journal.
    pub speaker: Arc<Speaker>,
    /// The place where its agent was.
    pub host: Arc<str>,
    /// When.
    pub granted: Moment,
    /// When its Begin was committed; an idempotent attempt needs none and begins with its grant.
    pub begun: Option<Moment>,
    /// When its end was committed.
    pub ended: Option<Moment>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The exit code, where the process exited.
    pub exit_code: Option<i32>,
    /// For people.
    pub reason: Option<String>,
    /// Bounded tail.
    pub stdout: String,
    /// Bounded tail.
    pub stderr: String,
    /// Its agent's lease ran out while it was under way.
    pub lapsed: bool,
    /// It is proven that its executor can act no more (semantics R5).
    pub gone: bool,
    /// The agent has been told to end it.
    pub stopping: bool,
    /// It did not happen: its probe said so after its end, a person did, or it never started.
    pub disproven: bool,
    /// It was ended from outside, by a timeout or a stop, before it could say what it had done.
    pub cut_short: bool,
}

impl Attempt {
    /// Nothing was said yet of its end.
    pub fn is_under_way(&self) -> bool {
        self.outcome.is_none()
    }
}

/// A probe that was asked about the current attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question's own token.
    pub token: u64,
    /// Who asks it.
    pub speaker: Speaker,
    /// The executor was gone when it was asked: only then does "did not happen" count.
    pub asked_after_end: bool,
    /// What was answered.
    pub answer: Option<Answered>,
}

/// What a person said to an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Who.
    pub operator: String,
    /// Why, where they said so.
    pub reason: String,
    /// When.
    pub at: Moment,
}

/// Where a node of a run comes from. A run begins with a node for each step of its plan; a fan-out adds one for each
/// item, a child plan one for each of its steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The frame whose plan describes it.
    pub frame: usize,
    /// Its step in that plan.
    pub definition: StepIndex,
    /// The node that it is a member of.
    pub parent: Option<usize>,
    /// The item of the fan-out, for a member of one.
    pub item: Option<String>,
}

/// The state of one step of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepState {
    /// Which step it is.
    pub origin: Origin,
    /// Where it stands.
    pub status: Status,
    /// Why, for people.
    pub reason: Option<String>,
    /// How many of the steps that it needs are not done.
    pub unmet: usize,
    /// It is done, and those that need it were told.
    pub done: bool,
    /// Which way it goes now.
    pub direction: Direction,
    /// The setting whose variant it is carried out in; chosen when it leaves `waiting`.
    pub variant: Option<Setting>,
    /// Escalated by itself: ungraceful, whatever the run's mode is.
    pub escalated: bool,
    /// Its members, once it has become a group: the items of a fan-out, or the steps of a child plan.
    pub members: Range<usize>,
    /// Its effect is to be taken back.
    pub unwind: bool,
    /// It could begin, but nobody is there to do it, or only what its own run holds is in the way.
    pub forsaken: bool,
    /// On the way back, and the next attempt may be granted.
    pub idle: bool,
    /// What a gate evaluated to, once it did.
    pub gate: Option<bool>,
    /// An end that waits for `success` to say what it means.
    pub unjudged: Option<Box<Ending>>,
    /// Who said yes to an approval.
    pub approvals: Rare<Vec<Said>>,
    /// Cluster time at which the patience with people ends.
    pub deadline_ms: Option<u64>,
    /// Locks that it holds.
    pub locks: Rare<Vec<String>>,
    /// What its `when` evaluated to, once it did.
    pub when: Option<bool>,
    /// Cluster time before which nothing happens: the end of a backoff or of a `wait`.
    pub not_before_ms: u64,
    /// Cluster time at which everything that it needs was done.
    pub ready_ms: Option<u64>,
    /// The region, once its references are filled in.
    pub region: Option<String>,
    /// Attempts that failed by their own word.
    pub failures: u32,
    /// Attempts that ended without an answer and were made again.
    pub losses: u32,
    /// Every attempt, oldest first; the last is the current one.
    pub attempts: Vec<Attempt>,
    /// The probe of the current attempt.
    pub question: Option<Box<Question>>,
    /// What it wrote to `BATON_OUTPUT`.
    pub outputs: Rare<BTreeMap<String, String>>,
    /// The log index of its last change.
    pub changed: u64,
}

impl StepState {
    /// A step that waits for `unmet` others.
    pub fn new(origin: Origin, unmet: usize, index: u64) -> StepState {
        StepState {
            origin,
            status: Status::Waiting,
            reason: None,
            unmet,
            done: false,
            direction: Direction::Do,
            variant: None,
            escalated: false,
            members: 0..0,
            unwind: false,
            forsaken: false,
            idle: false,
            gate: None,
            unjudged: None,
            approvals: Rare::default(),
            deadline_ms: None,
            locks: Rare::default(),
            when: None,
            not_before_ms: 0,
            ready_ms: None,
            region: None,
            failures: 0,
            losses: 0,
            attempts: Vec::new(),
            question: None,
            outputs: Rare::default(),
            changed: index,
        }
    }

    /// The newest attempt.
    pub fn attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// An attempt at its doing began and ended without an answer of its own, and nothing later tells about it: of work
    /// that is not idempotent, a further attempt was only made once the one before provably had not acted.
    pub fn may_have_acted(&self) -> bool {
        let doings = self.attempts.iter().rev().filter(|attempt| attempt.direction == Direction::Do);
        for attempt in doings {
            // A late report may have said that it did act.
            let acted = attempt.outcome.is_some_and(|outcome| outcome != Outcome::Failed);
            if attempt.disproven {
                return false;
            }
            if attempt.begun.is_some() && (acted || attempt.cut_short) {
                return true;
            }
            if !attempt.idempotent {
                return false;
            }
        }
        false
    }

    /// The newest attempt, where it goes the way that the step goes now.
    pub fn current(&self) -> Option<&Attempt> {
        self.attempts.last().filter(|attempt| attempt.direction == self.direction)
    }
}

#[cfg(test)]
mod tests {
    use super::Status::{self, *};

    const ALL: [Status; 12] = [
        Waiting,
        Running,
        AwaitingApproval,
        Probing,
        InDoubt,
        Succeeded,
        Failed,
        Skipped,
        Canceled,
        Undoing,
        Undone,
        UndoFailed,
    ];

    #[test]
    fn what_is_done_is_only_undone() {
        let after = |status: Status| ALL.into_iter().filter(move |next| status.may_become(*next));
        assert_eq!(after(Succeeded).collect::<Vec<_>>(), [Undoing]);
        assert_eq!(after(Skipped).collect::<Vec<_>>(), [Undoing]);
        assert_eq!(after(Undone).count(), 0);
    }

    #[test]
    fn a_doubt_is_reached_only_from_an_attempt() {
        let from: Vec<_> = ALL.iter().filter(|status| status.may_become(InDoubt)).collect();
        assert_eq!(from, [&Running, &Probing, &InDoubt, &Undoing]);
    }
}
