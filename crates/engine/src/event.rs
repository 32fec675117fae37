//! What happened, in the past tense: the timeline's alphabet.
//!
//! The order of the variants is the format on disk: append only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::command::Resolution;
use crate::run::Status;
use crate::stamp::{Moment, Stamp};
use crate::step::{Answered, Outcome};

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
    /// The text that the chain is made over.
    pub fn line(sequence: u64, at: &Moment, event: &Event) -> String {
        let Moment { index, stamp } = at;
        let Stamp { time_ms, wall_ms } = stamp;
        format!("{sequence} {index} {time_ms} {wall_ms} {event:?}")
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
        step: String,
    },
    RunEnded {
        status: Status,
        reason: Option<String>,
    },
    ConditionEvaluated {
        step: String,
        value: bool,
    },
    StepSkipped {
        step: String,
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
    },
    StepBegun {
        step: String,
        attempt: u32,
        token: u64,
        agent: String,
    },
    AttemptEnded {
        step: String,
        attempt: u32,
        outcome: Outcome,
        exit_code: Option<i32>,
        reason: Option<String>,
    },
    AttemptWithdrawn {
        step: String,
        attempt: u32,
        reason: String,
    },
    AttemptLapsed {
        step: String,
        attempt: u32,
        agent: String,
    },
    AttemptReturned {
        step: String,
        attempt: u32,
        agent: String,
    },
    AttemptGone {
        step: String,
        attempt: u32,
        agent: String,
    },
    StopAsked {
        step: String,
        attempt: u32,
        agent: String,
    },
    ProbeAsked {
        step: String,
        attempt: u32,
        token: u64,
        agent: String,
    },
    ProbeAnswered {
        step: String,
        attempt: u32,
        answer: Answered,
        reason: String,
    },
    LateReport {
        step: String,
        attempt: u32,
        agent: String,
        outcome: Option<Outcome>,
        exit_code: Option<i32>,
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
    },
    StepInDoubt {
        step: String,
        attempt: u32,
        reason: String,
    },
    StepResolved {
        step: String,
        resolution: Resolution,
        operator: String,
        reason: String,
    },
    StepCanceled {
        step: String,
    },
    StepHeldUp {
        step: String,
        reason: String,
    },
}

impl Event {
    /// A word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Event::RunStarted { .. } => "run_started",
            Event::RunTakenOver { .. } => "run_taken_over",
            Event::RunPaused { .. } => "run_paused",
            Event::RunResumed { .. } => "run_resumed",
            Event::RunCanceling { .. } => "run_canceling",
            Event::RunFailing { .. } => "run_failing",
            Event::RunEnded { .. } => "run_ended",
            Event::ConditionEvaluated { .. } => "condition_evaluated",
            Event::StepSkipped { .. } => "step_skipped",
            Event::WaitBegan { .. } => "wait_began",
            Event::StepGranted { .. } => "step_granted",
            Event::StepBegun { .. } => "step_begun",
            Event::AttemptEnded { .. } => "attempt_ended",
            Event::AttemptWithdrawn { .. } => "attempt_withdrawn",
            Event::AttemptLapsed { .. } => "attempt_lapsed",
            Event::AttemptReturned { .. } => "attempt_returned",
            Event::AttemptGone { .. } => "attempt_gone",
            Event::StopAsked { .. } => "stop_asked",
            Event::ProbeAsked { .. } => "probe_asked",
            Event::ProbeAnswered { .. } => "probe_answered",
            Event::LateReport { .. } => "late_report",
            Event::StepSucceeded { .. } => "step_succeeded",
            Event::StepFailed { .. } => "step_failed",
            Event::StepRetrying { .. } => "step_retrying",
            Event::StepInDoubt { .. } => "step_in_doubt",
            Event::StepResolved { .. } => "step_resolved",
            Event::StepCanceled { .. } => "step_canceled",
            Event::StepHeldUp { .. } => "step_held_up",
        }
    }

    /// The step that it is about; `None` for the run's own events.
    pub fn step(&self) -> Option<&str> {
        match self {
            Event::RunStarted { .. }
            | Event::RunTakenOver { .. }
            | Event::RunPaused { .. }
            | Event::RunResumed { .. }
            | Event::RunCanceling { .. }
            | Event::RunEnded { .. } => None,
            Event::RunFailing { step }
            | Event::ConditionEvaluated { step, .. }
            | Event::StepSkipped { step }
            | Event::WaitBegan { step, .. }
            | Event::StepGranted { step, .. }
            | Event::StepBegun { step, .. }
            | Event::AttemptEnded { step, .. }
            | Event::AttemptWithdrawn { step, .. }
            | Event::AttemptLapsed { step, .. }
            | Event::AttemptReturned { step, .. }
            | Event::AttemptGone { step, .. }
            | Event::StopAsked { step, .. }
            | Event::ProbeAsked { step, .. }
            | Event::ProbeAnswered { step, .. }
            | Event::LateReport { step, .. }
            | Event::StepSucceeded { step, .. }
            | Event::StepFailed { step, .. }
            | Event::StepRetrying { step, .. }
            | Event::StepInDoubt { step, .. }
            | Event::StepResolved { step, .. }
            | Event::StepHeldUp { step, .. }
            | Event::StepCanceled { step } => Some(step),
        }
    }

    /// The fields that programs ask for.
    pub fn fields(&self) -> BTreeMap<&'static str, String> {
        let mut fields = BTreeMap::new();
        let mut put = |name: &'static str, value: String| {
            fields.insert(name, value);
        };
        match self {
            Event::RunTakenOver { node, term } => {
                put("node", node.to_string());
                put("term", term.to_string());
            }
            Event::StepGranted { attempt, token, agent, region, .. } => {
                put("attempt", attempt.to_string());
                put("token", token.to_string());
                put("agent", agent.clone());
                put("region", region.clone());
            }
            Event::StepBegun { attempt, token, agent, .. }
            | Event::ProbeAsked { attempt, token, agent, .. } => {
                put("attempt", attempt.to_string());
                put("token", token.to_string());
                put("agent", agent.clone());
            }
            Event::AttemptEnded { attempt, outcome, exit_code, .. } => {
                put("attempt", attempt.to_string());
                put("outcome", outcome.word().into());
                if let Some(code) = exit_code {
                    put("exit_code", code.to_string());
                }
            }
            Event::AttemptWithdrawn { attempt, .. }
            | Event::ProbeAnswered { attempt, .. }
            | Event::StepInDoubt { attempt, .. }
            | Event::StepRetrying { attempt, .. } => put("attempt", attempt.to_string()),
            Event::AttemptLapsed { attempt, agent, .. }
            | Event::AttemptReturned { attempt, agent, .. }
            | Event::AttemptGone { attempt, agent, .. }
            | Event::StopAsked { attempt, agent, .. }
            | Event::LateReport { attempt, agent, .. } => {
                put("attempt", attempt.to_string());
                put("agent", agent.clone());
            }
            Event::RunStarted { operator, .. }
            | Event::RunResumed { operator, .. }
            | Event::RunCanceling { operator, .. }
            | Event::StepResolved { operator, .. } => put("operator", operator.clone()),
            Event::RunEnded { status, .. } => put("status", status.word().into()),
            _ => {}
        }
        fields
    }

    /// One line for people.
    pub fn text(&self) -> String {
        match self {
            Event::RunStarted { plan, version, operator } => {
                format!("{operator} started the run of {plan} version {version}")
            }
            Event::RunTakenOver { node, term } => {
                format!("coordinator {node} took the run over in term {term}")
            }
            Event::RunPaused { reason } => format!("the run is paused: {reason}"),
            Event::RunResumed { operator, reason } => {
                format!("{operator} resumed the run{}", because(reason))
            }
            Event::RunCanceling { operator, reason } => {
                format!("{operator} cancels the run{}", because(reason))
            }
            Event::RunFailing { step } => format!("nothing new starts, because {step} failed"),
            Event::RunEnded { status, reason } => {
                let reason = reason.as_deref().unwrap_or("");
                format!("the run has ended: {}{}", status.word(), because(reason))
            }
            Event::ConditionEvaluated { step, value } => format!("the condition of {step} is {value}"),
            Event::StepSkipped { step } => format!("{step} is skipped"),
            Event::WaitBegan { step, .. } => format!("{step} waits"),
            Event::StepGranted { step, attempt, token, agent, region } => {
                format!("{step} is granted to {agent} in {region}: attempt {attempt}, token {token}")
            }
            Event::StepBegun { step, attempt, agent, .. } => {
                format!("{agent} may act on {step}, attempt {attempt}")
            }
            Event::AttemptEnded { step, attempt, outcome, exit_code, reason } => {
                let code = exit_code.map(|code| format!(", exit code {code}")).unwrap_or_default();
                let reason = because(reason.as_deref().unwrap_or(""));
                format!("attempt {attempt} of {step} ended: {}{code}{reason}", outcome.word())
            }
            Event::AttemptWithdrawn { step, attempt, reason } => {
                format!("attempt {attempt} of {step} is withdrawn, it never started: {reason}")
            }
            Event::AttemptLapsed { step, attempt, agent } => {
                format!("{agent} fell silent during attempt {attempt} of {step}")
            }
            Event::AttemptReturned { step, attempt, agent } => {
                format!("{agent} is back, and with it attempt {attempt} of {step}")
            }
            Event::AttemptGone { step, attempt, agent } => {
                format!("{agent} came back without its journal; attempt {attempt} of {step} can act no more")
            }
            Event::StopAsked { step, attempt, agent } => {
                format!("{agent} is told to stop attempt {attempt} of {step}")
            }
            Event::ProbeAsked { step, agent, .. } => format!("{agent} asks whether {step} has happened"),
            Event::ProbeAnswered { step, answer, reason, .. } => {
                let answer = match answer {
                    Answered::Happened => "it happened",
                    Answered::DidNotHappen => "it did not happen",
                    Answered::Unknown => "it cannot tell",
                };
                format!("the probe of {step} says: {answer}{}", because(reason))
            }
            Event::LateReport { step, attempt, agent, outcome, .. } => {
                let outcome = outcome.map_or("never started", Outcome::word);
                format!(
                    "ALARM: {agent} reports late that attempt {attempt} of {step} {outcome}; kept as evidence"
                )
            }
            Event::StepSucceeded { step, reason } => {
                format!("{step} succeeded{}", because(reason.as_deref().unwrap_or("")))
            }
            Event::StepFailed { step, reason, optional } => {
                let optional = if *optional { "; it is optional, the run goes on" } else { "" };
                format!("{step} failed: {reason}{optional}")
            }
            Event::StepRetrying { step, after_ms, reason, .. } => {
                format!("{step} will be attempted again in {after_ms} ms: {reason}")
            }
            Event::StepInDoubt { step, reason, .. } => format!("{step} is in doubt: {reason}"),
            Event::StepResolved { step, resolution, operator, reason } => {
                let word = match resolution {
                    Resolution::Succeeded => "it succeeded",
                    Resolution::Failed => "it failed",
                    Resolution::Retry => "it shall be attempted again",
                };
                format!("{operator} decided on {step}: {word}{}", because(reason))
            }
            Event::StepCanceled { step } => format!("{step} is canceled"),
            Event::StepHeldUp { step, reason } => format!("{step} is held up: {reason}"),
        }
    }
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}
