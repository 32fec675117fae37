//! What happened, in the past tense: the timeline's alphabet.
//!
//! The order of the variants is the format on disk: append only.

mod fields;
mod text;

use serde::{Deserialize, Serialize};

use crate::chain;
use crate::command::{Cause, Choice, Subject};
use crate::run::Status;
use crate::stamp::{Moment, Stamp};
use crate::step::{Answered, Direction, Outcome};

/// One line of a run's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// 1, 2, … within the run.
    pub sequence: u64,
    /// When and where in the log.
    pub at: Moment,
    /// What happened.
    pub event: Event,
    /// The chain over this and every earlier line.
    pub digest: u64,
}

impl Record {
    /// The chain's link over an event, and `before`, the one of the event before it. Made over a line of text.
    pub fn link(before: u64, sequence: u64, at: &Moment, event: &Event) -> u64 {
        let Moment { index, stamp } = at;
        let Stamp { time_ms, wall_ms } = stamp;
        chain::link(before, format_args!("{sequence} {index} {time_ms} {wall_ms} {event:?}"))
    }
}

/// What happened to a run or one of its steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each variant's text says it in a sentence")]
pub enum Event {
    RunStarted {
        plan: String,
        version: u32,
        operator: String,
    },
    RunTakenOver {
        node: u64,
        term: u64,
    },
    RunPaused {
        reason: String,
    },
    RunResumed {
        operator: String,
        reason: String,
    },
    RunCanceling {
        operator: String,
        reason: String,
    },
    RunFailing {
        reason: String,
    },
    RunEnded {
        status: Status,
        reason: Option<String>,
    },
    Evaluated {
        step: String,
        subject: Subject,
        value: bool,
    },
    StepSkipped {
        step: String,
        reason: String,
    },
    WaitBegan {
        step: String,
        until_ms: u64,
    },
    StepGranted {
        step: String,
        attempt: u32,
        token: u64,
        agent: String,
        region: String,
        elsewhere: Option<String>,
        direction: Direction,
    },
    StepBegun {
        step: String,
        attempt: u32,
        token: u64,
        agent: String,
        direction: Direction,
    },
    AttemptEnded {
        step: String,
        attempt: u32,
        outcome: Outcome,
        exit_code: Option<i32>,
        reason: Option<String>,
        direction: Direction,
    },
    AttemptWithdrawn {
        step: String,
        attempt: u32,
        reason: String,
        direction: Direction,
    },
    AttemptLapsed {
        step: String,
        attempt: u32,
        agent: String,
        direction: Direction,
    },
    AttemptReturned {
        step: String,
        attempt: u32,
        agent: String,
        direction: Direction,
    },
    AttemptGone {
        step: String,
        attempt: u32,
        agent: String,
        direction: Direction,
    },
    StopAsked {
        step: String,
        attempt: u32,
        agent: String,
        direction: Direction,
    },
    ProbeAsked {
        step: String,
        attempt: u32,
        token: u64,
        agent: String,
        direction: Direction,
    },
    ProbeAnswered {
        step: String,
        attempt: u32,
        answer: Answered,
        reason: String,
        direction: Direction,
    },
    LateReport {
        step: String,
        attempt: u32,
        agent: String,
        outcome: Option<Outcome>,
        exit_code: Option<i32>,
        direction: Direction,
    },
    StepSucceeded {
        step: String,
        reason: Option<String>,
    },
    StepFailed {
        step: String,
        reason: String,
        optional: bool,
    },
    StepRetrying {
        step: String,
        attempt: u32,
        after_ms: u64,
        reason: String,
        direction: Direction,
    },
    StepInDoubt {
        step: String,
        attempt: u32,
        reason: String,
        direction: Direction,
    },
    StepDecided {
        step: String,
        choice: Choice,
        operator: String,
        roles: Vec<String>,
        reason: String,
        direction: Direction,
    },
    StepCanceled {
        step: String,
    },
    StepHeldUp {
        step: String,
        reason: String,
        direction: Direction,
    },
    RunQueued {
        reason: String,
    },
    LocksTaken {
        locks: Vec<String>,
    },
    TimeOver {
        reason: String,
    },
    Escalated {
        step: Option<String>,
        operator: String,
        reason: String,
    },
    RegionLost {
        region: String,
        operator: String,
        reason: String,
        answering: Vec<String>,
    },
    PeopleAsked {
        step: String,
        question: String,
    },
    StepApproved {
        step: String,
        operator: String,
        roles: Vec<String>,
        reason: String,
        given: u32,
        needed: u32,
    },
    PatienceEnded {
        step: String,
        given: u32,
        needed: u32,
    },
    StepFannedOut {
        step: String,
        items: Vec<String>,
    },
    ChildBegan {
        step: String,
        plan: String,
        version: u32,
    },
    UnwindingBegan {
        step: Option<String>,
        reason: String,
    },
    BranchUnwinding {
        step: String,
    },
    UndoBegan {
        step: String,
    },
    StepUndone {
        step: String,
        reason: Option<String>,
    },
    UndoFailed {
        step: String,
        reason: String,
    },
    RunStuck {
        step: String,
    },
    RunUnstuck,
    AttemptLost {
        step: String,
        attempt: u32,
        agent: String,
        direction: Direction,
    },
    RegionRestored {
        region: String,
        operator: String,
        reason: String,
    },
    CapacitySet {
        resource: String,
        capacity: Option<u32>,
        operator: String,
        reason: String,
    },
    EpochBegan {
        epoch: u64,
        cause: Cause,
        waits_for: Vec<String>,
    },
    EvidenceHeard {
        step: String,
        agent: String,
        token: u64,
        held: bool,
    },
    AttemptAdopted {
        step: String,
        attempt: u32,
        token: u64,
        agent: String,
        held: bool,
        direction: Direction,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Members of different versions must come to the same chain. This link was made by other means, over the text
    /// `4 9 1000 -5 StepSkipped { step: "a\"b", reason: "it is not done in this mode" }`.
    #[test]
    fn known_value_of_a_link() {
        let at = Moment { index: 9, stamp: Stamp { time_ms: 1000, wall_ms: -5 } };
        let event = Event::StepSkipped { step: "a\"b".into(), reason: "it is not done in this mode".into() };
        assert_eq!(Record::link(7, 4, &at, &event), 0xcd3e_4d70_79a8_4eb5);
    }
}
