//! Every event as one line for people.

use super::Event;
use crate::command::{Cause, Choice, Resolution, Subject};
use crate::step::{Answered, Direction, Outcome};

impl Event {
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
            Event::RunFailing { reason } => format!("nothing new starts, because {reason}"),
            Event::RunEnded { status, reason } => {
                let reason = reason.as_deref().unwrap_or("");
                match reason.starts_with(status.word()) {
                    true => format!("the run has ended: {reason}"),
                    false => format!("the run has ended: {}{}", status.word(), because(reason)),
                }
            }
            Event::Evaluated { step, subject, value } => match subject {
                Subject::When => format!("the condition of {step} is {value}"),
                Subject::Gate => format!("the gate {step} is {value}"),
                Subject::Success(_) => format!("what {step} answered means success: {value}"),
            },
            Event::StepSkipped { step, reason } => format!("{step} is skipped: {reason}"),
            Event::WaitBegan { step, .. } => format!("{step} waits"),
            Event::StepGranted { step, attempt, token, agent, region, elsewhere, direction } => {
                let what = of(*direction);
                let place = match elsewhere {
                    None => region.clone(),
                    Some(other) => format!("{other}, as {region} was declared lost"),
                };
                format!("{what}{step} is granted to {agent} in {place}: attempt {attempt}, token {token}")
            }
            Event::StepBegun { step, attempt, agent, direction, .. } => {
                format!("{agent} may act on {}{step}, attempt {attempt}", of(*direction))
            }
            Event::AttemptEnded { step, attempt, outcome, exit_code, reason, direction } => {
                let of = of(*direction);
                let code = exit_code.map(|code| format!(", exit code {code}")).unwrap_or_default();
                let reason = because(reason.as_deref().unwrap_or(""));
                format!("attempt {attempt} of {of}{step} ended: {}{code}{reason}", outcome.word())
            }
            Event::AttemptWithdrawn { step, attempt, reason, direction } => {
                let of = of(*direction);
                format!("attempt {attempt} of {of}{step} is withdrawn, it never started: {reason}")
            }
            Event::AttemptLapsed { step, attempt, agent, direction } => {
                format!("{agent} fell silent during attempt {attempt} of {}{step}", of(*direction))
            }
            Event::AttemptReturned { step, attempt, agent, direction } => {
                format!("{agent} is back, and with it attempt {attempt} of {}{step}", of(*direction))
            }
            Event::AttemptGone { step, attempt, agent, direction } => {
                let of = of(*direction);
                format!(
                    "{agent} came back without its journal; attempt {attempt} of {of}{step} can act no more"
                )
            }
            Event::StopAsked { step, attempt, agent, direction } => {
                format!("{agent} is told to stop attempt {attempt} of {}{step}", of(*direction))
            }
            Event::ProbeAsked { step, agent, direction, .. } => {
                format!("{agent} asks whether {}{step} has happened", of(*direction))
            }
            Event::ProbeAnswered { step, answer, reason, direction, .. } => {
                let answer = match answer {
                    Answered::Happened => "it happened",
                    Answered::DidNotHappen => "it did not happen",
                    Answered::Unknown => "it cannot tell",
                };
                format!("the probe of {}{step} says: {answer}{}", of(*direction), because(reason))
            }
            Event::LateReport { step, attempt, agent, outcome, direction, .. } => {
                let (of, ended) = match outcome {
                    None => (of(*direction), "never started"),
                    Some(Outcome::Unknown) => (of(*direction), "ended without an answer"),
                    Some(outcome) => (of(*direction), outcome.word()),
                };
                // What says that something happened after the system went on without it must wake somebody.
                let alarm = if matches!(outcome, Some(Outcome::Succeeded | Outcome::Failed)) {
                    "ALARM: "
                } else {
                    ""
                };
                format!(
                    "{alarm}{agent} reports late that attempt {attempt} of {of}{step} {ended}; kept as evidence"
                )
            }
            Event::StepSucceeded { step, reason } => {
                format!("{step} succeeded{}", because(reason.as_deref().unwrap_or("")))
            }
            Event::StepFailed { step, reason, optional } => {
                let optional = if *optional { "; it is optional, the run goes on" } else { "" };
                format!("{step} failed: {reason}{optional}")
            }
            Event::StepRetrying { step, after_ms, reason, direction, .. } => {
                let when = match after_ms {
                    0 => "at once".to_owned(),
                    after_ms => format!("in {}", baton_plan::duration::written(*after_ms)),
                };
                format!("{}{step} will be attempted again {when}: {reason}", of(*direction))
            }
            Event::StepInDoubt { step, reason, direction, .. } => {
                format!("{}{step} is in doubt: {reason}", of(*direction))
            }
            Event::StepDecided { step, choice, operator, roles, reason, direction } => {
                let sentence = match choice {
                    Choice::Approve => "yes",
                    Choice::Decline => "no",
                    Choice::Finish => "it is done",
                    Choice::Override => "the gate is overridden",
                    Choice::Skip => "the run goes on without it",
                    Choice::Ask => "its probe is asked again",
                    Choice::Retry | Choice::Resolve(Resolution::Retry) => "it shall be attempted again",
                    Choice::Resolve(Resolution::Succeeded) => "it happened",
                    Choice::Resolve(Resolution::Failed) => "it did not happen",
                };
                let (roles, of) = (as_roles(roles), of(*direction));
                format!("{operator}{roles} decided on {of}{step}: {sentence}{}", because(reason))
            }
            Event::StepCanceled { step } => format!("{step} is canceled"),
            Event::StepHeldUp { step, reason, direction } => {
                format!("{}{step} is held up: {reason}", of(*direction))
            }
            Event::RunQueued { reason } => format!("the run has not begun: {reason}"),
            Event::LocksTaken { locks } => format!("the run holds {}", locks.join(", ")),
            Event::TimeOver { reason } => format!("time is over: {reason}"),
            Event::Escalated { step, operator, reason } => {
                let what = step.as_deref().unwrap_or("the run");
                format!("{operator} escalated {what} to ungraceful{}", because(reason))
            }
            Event::RegionLost { region, operator, reason, answering } => {
                let still = match answering.is_empty() {
                    true => String::new(),
                    false => format!(
                        "; {} in it still answers: what it has begun counts as lost if it falls silent within 5 minutes",
                        answering.join(", ")
                    ),
                };
                format!("{operator} declared region {region} lost{}{still}", because(reason))
            }
            Event::PeopleAsked { step, question } => format!("{step} asks: {question}"),
            Event::StepApproved { step, operator, roles, reason, given, needed } => {
                let roles = as_roles(roles);
                format!("{operator}{roles} approved {step}, {given} of {needed}{}", because(reason))
            }
            Event::PatienceEnded { step, given: 0, .. } => format!("nobody decided on {step} in time"),
            Event::PatienceEnded { step, given, needed } => {
                format!("only {given} of {needed} approved {step} in time")
            }
            Event::StepFannedOut { step, items } => {
                format!("{step} becomes {}: {}", items.len(), items.join(", "))
            }
            Event::ChildBegan { step, plan, version } => {
                format!("{step} carries out plan {plan} version {version}")
            }
            Event::UnwindingBegan { step, reason } => {
                let what = step.as_deref().unwrap_or("the run");
                format!("what {what} did is being undone: {reason}")
            }
            Event::BranchUnwinding { step } => format!("what was done for {step} alone is being undone"),
            Event::UndoBegan { step } => format!("{step} is to be undone"),
            Event::StepUndone { step, reason } => {
                format!("{step} is undone{}", because(reason.as_deref().unwrap_or("")))
            }
            Event::UndoFailed { step, reason } => format!("the undo of {step} failed: {reason}"),
            Event::RunStuck { step } => format!("the run is stuck: {step} needs an operator"),
            Event::RunUnstuck => "the run is not stuck any more".into(),
            Event::RegionRestored { region, operator, reason } => {
                format!("{operator} says that region {region} is back{}", because(reason))
            }
            Event::CapacitySet { resource, capacity, operator, reason } => {
                let to = capacity.map_or("what plans say".into(), |units| units.to_string());
                format!("{operator} set the capacity of {resource} to {to}{}", because(reason))
            }
            Event::EpochBegan { epoch, cause, waits_for } => {
                let how = match cause {
                    Cause::Restored => "the cluster was restored from a backup",
                    Cause::Forced => "the cluster was formed anew from what a minority had",
                };
                let waits = match waits_for.as_slice() {
                    [] => String::new(),
                    names => format!("; first, these tell what they have done since: {}", names.join(", ")),
                };
                format!("{how}: epoch {epoch} begins{waits}")
            }
            Event::EvidenceHeard { step, agent, token, held } => {
                let what = if *held { "holds an attempt at" } else { "has finished an attempt at" };
                format!("ALARM: {agent} {what} {step} that this cluster never granted, token {token}")
            }
            Event::AttemptAdopted { step, attempt, token, agent, held, direction } => {
                let end = if *held { "awaited" } else { "over, and its end is not known" };
                let of = of(*direction);
                format!(
                    "what {agent} did to {of}{step} in the lost time is attempt {attempt}, token {token}: it is {end}"
                )
            }
            Event::AttemptLost { step, attempt, agent, direction } => {
                format!("attempt {attempt} of {}{step} on {agent} went with its region", of(*direction))
            }
        }
    }
}

fn of(direction: Direction) -> &'static str {
    match direction {
        Direction::Do => "",
        Direction::Undo => "the undo of ",
    }
}

fn as_roles(roles: &[String]) -> String {
    if roles.is_empty() { String::new() } else { format!(" ({})", roles.join(", ")) }
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}
