//! One step of one run: its life as a table, and the attempts that were made at it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::command::Speaker;
use crate::stamp::Moment;

/// Where a step stands; the words of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Not granted: something that it needs is missing, or a pause between attempts.
    Waiting,
    /// An attempt is granted or under way.
    Running,
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
}

impl Status {
    /// The transition table: what may follow.
    pub fn may_become(self, next: Status) -> bool {
        use Status::{Canceled, Failed, InDoubt, Probing, Running, Skipped, Succeeded, Waiting};
        match self {
            Waiting => matches!(next, Running | Skipped | Canceled | Failed | Succeeded),
            Running => matches!(next, Waiting | Probing | InDoubt | Succeeded | Failed | Canceled),
            Probing => matches!(next, Waiting | Running | InDoubt | Succeeded | Failed | Canceled),
            InDoubt => matches!(next, Waiting | Running | Probing | Succeeded | Failed | Canceled),
            // Only a person's word changes what the action said.
            Failed => matches!(next, Waiting | Succeeded),
            Succeeded | Skipped | Canceled => false,
        }
    }

    /// The step can change no more by itself.
    pub fn is_settled(self) -> bool {
        matches!(self, Status::Succeeded | Status::Failed | Status::Skipped | Status::Canceled)
    }

    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Status::Waiting => "waiting",
            Status::Running => "running",
            Status::Probing => "probing",
            Status::InDoubt => "in_doubt",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::Skipped => "skipped",
            Status::Canceled => "canceled",
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
    /// 1, 2, …
    pub number: u32,
    /// The fencing token; larger than every earlier one of the cluster.
    pub token: u64,
    /// To whom, and under which journal.
    pub speaker: Speaker,
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

/// The state of one step of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepState {
    /// Where it stands.
    pub status: Status,
    /// Why, for people.
    pub reason: Option<String>,
    /// How many of the steps that it needs are not done.
    pub unmet: usize,
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
    pub question: Option<Question>,
    /// What it wrote to `BATON_OUTPUT`.
    pub outputs: BTreeMap<String, String>,
    /// The log index of its last change.
    pub changed: u64,
}

impl StepState {
    /// A step that waits for `unmet` others.
    pub fn new(unmet: usize, index: u64) -> StepState {
        StepState {
            status: Status::Waiting,
            reason: None,
            unmet,
            when: None,
            not_before_ms: 0,
            ready_ms: None,
            region: None,
            failures: 0,
            losses: 0,
            attempts: Vec::new(),
            question: None,
            outputs: BTreeMap::new(),
            changed: index,
        }
    }

    /// The newest attempt.
    pub fn attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }
}

#[cfg(test)]
mod tests {
    use super::Status::{self, *};

    const ALL: [Status; 8] = [Waiting, Running, Probing, InDoubt, Succeeded, Failed, Skipped, Canceled];

    #[test]
    fn what_is_done_stays_done() {
        for done in [Succeeded, Skipped, Canceled] {
            assert!(ALL.iter().all(|next| !done.may_become(*next)), "{done:?}");
        }
    }

    #[test]
    fn a_doubt_is_reached_only_from_an_attempt() {
        let from: Vec<_> = ALL.iter().filter(|status| status.may_become(InDoubt)).collect();
        assert_eq!(from, [&Running, &Probing]);
    }
}
