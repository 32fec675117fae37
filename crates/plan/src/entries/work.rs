//! What a plan says of what is carried out.

use super::{List, json};
use crate::check::ONCE;
use crate::duration::written;
use crate::plan::{Action, Approval, Barrier, Child, Command, Manual, Probe, Retry, Silence, Work};

pub(super) fn work(prefix: &str, work: &Work, list: &mut List) {
    let mut says = |field: &str, value: Option<String>| list.says(format!("{prefix}{field}"), value);
    action(&work.action, &mut says);
    let flag = |flag: bool| flag.then(|| "true".to_owned());
    says("idempotent", Some(work.idempotent.to_string()));
    says("strict", flag(work.strict));
    says("fenced", flag(work.fenced));
    let codes: Vec<_> = work.no_effect.iter().map(ToString::to_string).collect();
    says("noEffect", (!codes.is_empty()).then(|| codes.join(", ")));
    says("probe", work.probe.as_ref().map(probe));
    says("success", work.success.as_ref().map(|success| success.source().to_owned()));
    says("timeout", Some(written(work.timeout_ms)));
    says("retry", retry(work.retry));
}

fn action(action: &Action, says: &mut impl FnMut(&str, Option<String>)) {
    match action {
        Action::Command(command) => says("command", Some(self::command(command))),
        Action::Noop => says("noop", Some("{}".to_owned())),
        Action::WaitFor(ms) => says("wait", Some(written(*ms))),
        Action::WaitUntil { probe, interval_ms } => {
            says("wait.until", Some(command(probe)));
            says("wait.interval", Some(written(*interval_ms)));
        }
        Action::Approval(approval) => self::approval(approval, says),
        Action::Manual(manual) => self::manual(manual, says),
        Action::Gate(gate) => {
            says("gate", Some(gate.expression.source().to_owned()));
            says("gate.timeout", gate.timeout_ms.map(written));
        }
        Action::Barrier(barrier) => self::barrier(barrier, says),
        Action::Child(child) => self::child(child, says),
    }
}

fn approval(approval: &Approval, says: &mut impl FnMut(&str, Option<String>)) {
    says("approval", Some(approval.message.to_string()));
    says("approval.approvers", Some(approval.approvers.to_string()));
    says("approval.roles", (!approval.roles.is_empty()).then(|| json(&approval.roles)));
    says("approval.timeout", approval.timeout_ms.map(written));
    let on_timeout = match approval.on_timeout {
        Silence::Decline => None,
        Silence::Approve => Some("approve".to_owned()),
    };
    says("approval.onTimeout", on_timeout);
    says("approval.twoPerson", approval.two_person.then(|| "true".to_owned()));
}

fn manual(manual: &Manual, says: &mut impl FnMut(&str, Option<String>)) {
    says("manual", Some(manual.instructions.to_string()));
    says("manual.roles", (!manual.roles.is_empty()).then(|| json(&manual.roles)));
    says("manual.timeout", manual.timeout_ms.map(written));
}

fn barrier(barrier: &Barrier, says: &mut impl FnMut(&str, Option<String>)) {
    says("barrier.atLeast", Some(barrier.at_least.to_string()));
    says("barrier.timeout", barrier.timeout_ms.map(written));
    says("barrier.onTimeout", barrier.proceed.then(|| "proceed".to_owned()));
}

fn child(child: &Child, says: &mut impl FnMut(&str, Option<String>)) {
    says("plan", Some(child.plan.clone()));
    for (name, value) in &child.params {
        says(&format!("plan.params.{name}"), Some(value.to_string()));
    }
}

/// A shell string as it stands, arguments in brackets.
fn command(command: &Command) -> String {
    match command {
        // In quotes where it could be taken for arguments, or for quoted text.
        Command::Shell(text) if text.starts_with(['[', '"']) => {
            serde_json::Value::from(text.as_str()).to_string()
        }
        Command::Shell(text) => text.clone(),
        Command::Argv(arguments) => json(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>()),
    }
}

fn probe(probe: &Probe) -> String {
    format!("{}, at most {}", command(&probe.command), written(probe.timeout_ms))
}

/// Nothing for what is done once, as the default has it.
fn retry(retry: Retry) -> Option<String> {
    let Retry { attempts, backoff_ms, max_backoff_ms, jitter_percent } = retry;
    let pauses = format!("{} to {}, jitter {jitter_percent}%", written(backoff_ms), written(max_backoff_ms));
    (retry != ONCE).then(|| format!("{attempts} attempts, pauses {pauses}"))
}
