//! Between the wire's words and the engine's. Wire types stop here.

mod decision;

pub(crate) use decision::{decision, mode};

use baton_api as api;
use baton_api::{action, to_agent};
use baton_engine::command::{AttemptKey, Ending, Join, Speaker};
use baton_engine::effect::{Assignment, Call, Performed};
use baton_engine::step::{Answered, Outcome};
use baton_engine::{Command, Effect, Rejection};
use baton_plan::native::Kind;
use tonic::Status;

use crate::leader::propose::ProposeError;
use crate::raft::Cluster;

/// The version of the agents' protocol that this coordinator speaks.
const PROTOCOL: u32 = 1;

/// "Ask the leader", with its address where it is known.
pub(crate) fn not_leader(cluster: &Cluster) -> Status {
    let leader = cluster.leadership().borrow().leader.clone();
    let mut status = match &leader {
        Some((id, _)) => Status::failed_precondition(format!("coordinator {id} leads; ask there")),
        None => Status::failed_precondition("no coordinator leads at the moment; try again"),
    };
    if let Some((_, member)) = leader
        && let Ok(address) = member.address.parse()
    {
        status.metadata_mut().insert(api::LEADER_METADATA, address);
    }
    status
}

/// Why a proposal was not carried out, as the operator's service says it.
pub(crate) fn status(error: ProposeError, cluster: &Cluster) -> Status {
    match error {
        ProposeError::NotLeader => not_leader(cluster),
        ProposeError::Unknown(_) => Status::unavailable(error.to_string()),
        ProposeError::Rejected(rejection) => rejected(rejection),
    }
}

/// A rejection of the engine.
pub(crate) fn rejected(rejection: Rejection) -> Status {
    let text = rejection.to_string();
    match rejection {
        Rejection::NotFound(_) => Status::not_found(text),
        Rejection::Invalid(_) => Status::invalid_argument(text),
        Rejection::Refused(_) | Rejection::RequestReused(_) | Rejection::NotCurrent(_) => {
            Status::aborted(text)
        }
        Rejection::Deposed => Status::unavailable(text),
    }
}

pub(crate) fn key(key: &api::AttemptKey) -> AttemptKey {
    AttemptKey { run: key.run.clone(), step: key.step.clone(), attempt: key.attempt, token: key.token }
}

/// What an agent says of itself; `Err` with a sentence for it when it cannot be taken in.
pub(crate) fn join(hello: api::Hello) -> Result<Join, String> {
    if hello.protocol != PROTOCOL {
        let other = hello.protocol;
        return Err(format!(
            "this agent speaks protocol {other}, this cluster {PROTOCOL}; install the same version"
        ));
    }
    let missing = [
        ("name", &hello.name),
        ("region", &hello.region),
        ("incarnation", &hello.incarnation),
        ("host", &hello.host),
        ("boot", &hello.boot),
    ];
    if let Some((field, _)) = missing.iter().find(|(_, value)| value.is_empty()) {
        return Err(format!("Hello lacks `{field}`"));
    }
    if !hello.swept {
        return Err(
            "what an earlier agent left on this host has not been ended; start the agent again".into()
        );
    }
    if hello.slots == 0 {
        return Err("an agent needs at least one slot".into());
    }
    Ok(Join {
        speaker: Speaker { agent: hello.name, incarnation: hello.incarnation },
        region: hello.region,
        host: hello.host,
        boot: hello.boot,
        slots: hello.slots,
        labels: hello.labels,
    })
}

/// The command that a report stands for.
pub(crate) fn report(speaker: Speaker, report: api::Report) -> Result<Command, &'static str> {
    let outcome = report.outcome();
    let key = report.key.as_ref().map(key).ok_or("it names no attempt")?;
    if report.probe {
        let answer = match outcome {
            api::Outcome::Succeeded => Answered::Happened,
            api::Outcome::Failed => Answered::DidNotHappen,
            _ => Answered::Unknown,
        };
        return Ok(Command::AnswerProbe { speaker, key, answer, reason: report.reason });
    }
    let outcome = match outcome {
        api::Outcome::Succeeded => Some(Outcome::Succeeded),
        api::Outcome::Failed => Some(Outcome::Failed),
        api::Outcome::Unknown => Some(Outcome::Unknown),
        api::Outcome::NotStarted => None,
        api::Outcome::Unspecified => return Err("it names no outcome"),
    };
    let api::Report { exit_code, reason, outputs, stdout, stderr, .. } = report;
    let ending = Ending { outcome, exit_code, reason, outputs, stdout, stderr };
    Ok(Command::Report { speaker, key, ending })
}

/// What an agent is told.
pub(crate) fn effect(effect: Effect) -> to_agent::Message {
    match effect {
        Effect::Assign(assignment) => to_agent::Message::Assignment(assigned(assignment)),
        Effect::Stop { key, reason } => {
            to_agent::Message::Stop(api::Stop { key: Some(wire_key(key)), reason })
        }
    }
}

fn wire_key(key: AttemptKey) -> api::AttemptKey {
    api::AttemptKey { run: key.run, step: key.step, attempt: key.attempt, token: key.token }
}

fn native(kind: Kind, asked: String) -> api::Native {
    api::Native { kind: kind.word().to_owned(), asked }
}

fn assigned(assignment: Assignment) -> api::Assignment {
    let action = match assignment.action {
        Performed::Call(Call::Process { argv, secrets }) => {
            action::Action::Command(api::Command { argv, secrets })
        }
        Performed::Call(Call::Native { kind, asked }) => action::Action::Native(native(kind, asked)),
        Performed::Noop => action::Action::Noop(api::Noop {}),
        Performed::WaitUntil { question, interval_ms, stable_ms } => {
            let (until, secrets, native) = match question {
                Call::Process { argv, secrets } => (argv, secrets, None),
                Call::Native { kind, asked } => (Vec::new(), Default::default(), Some(native(kind, asked))),
            };
            action::Action::Wait(api::Wait { until, interval_ms, stable_ms, secrets, native })
        }
    };
    api::Assignment {
        key: Some(wire_key(assignment.key)),
        direction: assignment.environment.get("BATON_DIRECTION").cloned().unwrap_or_default(),
        probe: assignment.probe,
        idempotent: assignment.idempotent,
        action: Some(api::Action { action: Some(action) }),
        environment: assignment.environment,
        timeout_ms: assignment.timeout_ms,
    }
}
