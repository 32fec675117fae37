//! Wire types stop here.

use baton_api as wire;
use baton_api::{FromAgent, ToAgent, from_agent, to_agent};

use super::{Identity, Up};
use crate::attempt::{Action, Assignment, Call, Key, Outcome, Report};
use crate::ledger::Event;

/// The version of the conversation.
const PROTOCOL: u32 = 1;

/// What the leader said.
pub(crate) enum Down {
    Event(Event),
    Renewed { sequence: u64, renew_ms: Option<u64> },
    Refused(String),
}

pub(super) fn hello(identity: &Identity) -> FromAgent {
    let config = &identity.config;
    let held = identity.held.borrow().values().map(key_up).collect();
    say(from_agent::Message::Hello(wire::Hello {
        name: config.name.clone(),
        region: config.region.clone(),
        incarnation: identity.incarnation.clone(),
        host: identity.host.clone(),
        boot: identity.boot.clone(),
        slots: config.slots,
        labels: config.labels.clone(),
        protocol: PROTOCOL,
        // The start does not come this far before it is true.
        swept: true,
        held,
    }))
}

pub(super) fn renew(sequence: u64, answered: u64) -> FromAgent {
    say(from_agent::Message::Renew(wire::Renew { sequence, answered }))
}

pub(super) fn up(up: Up) -> FromAgent {
    say(match up {
        Up::Begin(key) => {
            let key = Some(key_up(&key));
            from_agent::Message::Begin(wire::Begin { key })
        }
        Up::Recount { held, over } => {
            let keys = |keys: Vec<Key>| keys.iter().map(key_up).collect();
            from_agent::Message::Recount(wire::Recount { held: keys(held), over: keys(over) })
        }
        Up::Report(report) => from_agent::Message::Report(report_up(report)),
    })
}

fn say(message: from_agent::Message) -> FromAgent {
    let message = Some(message);
    FromAgent { message }
}

/// What the leader said, or why it makes no sense.
pub(crate) fn down(message: ToAgent) -> Result<Down, String> {
    let message = message.message.ok_or("it is of a kind that is not known")?;
    Ok(Down::Event(match message {
        to_agent::Message::Renewed(wire::Renewed { sequence, renew_ms }) => {
            return Ok(Down::Renewed { sequence, renew_ms });
        }
        to_agent::Message::Assignment(assignment) => Event::Assigned(assignment_down(assignment)?),
        to_agent::Message::BeginAnswer(answer) => {
            Event::BeginAnswered { key: key_down(answer.key)?, begun: answer.begun, reason: answer.reason }
        }
        to_agent::Message::ReportAcknowledged(acknowledged) => {
            Event::Acknowledged(key_down(acknowledged.key)?)
        }
        to_agent::Message::Stop(stop) => Event::Stop { key: key_down(stop.key)?, reason: stop.reason },
        // The cluster decides whether it knows this agent only after it was greeted.
        to_agent::Message::Refused(refused) => return Ok(Down::Refused(refused.reason)),
        to_agent::Message::Welcome(_) => return Err("a second welcome".into()),
    }))
}

fn assignment_down(assignment: wire::Assignment) -> Result<Assignment, String> {
    let key = key_down(assignment.key)?;
    let action = assignment.action.and_then(|action| action.action);
    let action = action.ok_or_else(|| format!("{key} has an action that is not known"))?;
    Ok(Assignment {
        key,
        probe: assignment.probe,
        idempotent: assignment.idempotent,
        action: match action {
            wire::action::Action::Command(wire::Command { argv, secrets }) if secrets.is_empty() => {
                Action::Command(argv)
            }
            wire::action::Action::Command(wire::Command { argv, secrets }) => {
                Action::Call(Call::Process { argv, secrets })
            }
            wire::action::Action::Native(native) => Action::Call(native_down(native)),
            wire::action::Action::Noop(wire::Noop {}) => Action::Noop,
            wire::action::Action::Wait(wait) => wait_down(wait),
        },
        environment: assignment.environment,
        timeout_ms: assignment.timeout_ms,
    })
}

fn native_down(native: wire::Native) -> Call {
    Call::Native { kind: native.kind, asked: native.asked }
}

fn wait_down(wait: wire::Wait) -> Action {
    let wire::Wait { until, interval_ms, stable_ms, secrets, native } = wait;
    if native.is_none() && secrets.is_empty() && stable_ms == 0 {
        return Action::Wait { until, interval_ms };
    }
    let question = native.map_or(Call::Process { argv: until, secrets }, native_down);
    Action::Until { question, interval_ms, stable_ms }
}

fn key_down(key: Option<wire::AttemptKey>) -> Result<Key, String> {
    let key = key.ok_or("it does not say which attempt it is about")?;
    Ok(Key { run: key.run, step: key.step, attempt: key.attempt, token: key.token })
}

fn key_up(key: &Key) -> wire::AttemptKey {
    wire::AttemptKey { run: key.run.clone(), step: key.step.clone(), attempt: key.attempt, token: key.token }
}

fn report_up(report: Report) -> wire::Report {
    let outcome = match report.outcome {
        Outcome::Succeeded => wire::Outcome::Succeeded,
        Outcome::Failed => wire::Outcome::Failed,
        Outcome::Unknown => wire::Outcome::Unknown,
        Outcome::NotStarted => wire::Outcome::NotStarted,
    };
    wire::Report {
        key: Some(key_up(&report.key)),
        outcome: outcome.into(),
        exit_code: report.exit_code,
        reason: report.reason,
        outputs: report.outputs,
        stdout: report.stdout,
        stderr: report.stderr,
        probe: report.probe,
    }
}
