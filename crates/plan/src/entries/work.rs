//! What a plan says of what is carried out.

use super::{List, json};
use crate::check::ONCE;
use crate::duration::written;
use crate::native::{Given, NOTHING_HAPPENED};
use crate::plan::{Action, Approval, Barrier, Child, Command, Manual, Probe, Retry, Silence, Work};

pub(super) fn work(prefix: &str, work: &Work, list: &mut List) {
    let mut says = |field: &str, value: Option<String>| list.says(format!("{prefix}{field}"), value);
    action(&work.action, &mut says);
    let flag = |flag: bool| flag.then(|| "true".to_owned());
    says("idempotent", Some(work.idempotent.to_string()));
    says("strict", flag(work.strict));
    says("fenced", flag(work.fenced));
    // Every native action has this one, and no plan says it.
    let native = matches!(&work.action, Action::Command(Command::Native(_)));
    let codes = work.no_effect.iter().filter(|code| !native || **code != NOTHING_HAPPENED);
    let codes: Vec<_> = codes.map(ToString::to_string).collect();
    says("noEffect", (!codes.is_empty()).then(|| codes.join(", ")));
    if let Some(probe) = &work.probe {
        self::probe(probe, &mut says);
    }
    says("success", work.success.as_ref().map(|success| success.source().to_owned()));
    says("timeout", Some(written(work.timeout_ms)));
    says("retry", retry(work.retry));
}

fn action(action: &Action, says: &mut impl FnMut(&str, Option<String>)) {
    match action {
        Action::Command(command) => self::command("", command, says),
        Action::Noop => says("noop", Some("{}".to_owned())),
        Action::WaitFor(ms) => says("wait", Some(written(*ms))),
        Action::WaitUntil { probe, interval_ms } => until(probe, *interval_ms, None, says),
        Action::WaitStable { probe, interval_ms, stable_ms } => {
            until(probe, *interval_ms, Some(*stable_ms), says)
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

fn until(
    probe: &Command,
    interval_ms: u64,
    stable_ms: Option<u64>,
    says: &mut impl FnMut(&str, Option<String>),
) {
    match probe {
        Command::Shell(_) | Command::Argv(_) => says("wait.until", Some(process(probe))),
        other => command("wait.until.", other, says),
    }
    says("wait.every", Some(written(interval_ms)));
    says("wait.stableFor", stable_ms.map(written));
}

/// What an agent does, below a prefix.
fn command(prefix: &str, command: &Command, says: &mut impl FnMut(&str, Option<String>)) {
    match command {
        Command::Secretive { run, secrets } => {
            says(&format!("{prefix}command"), Some(process(run)));
            for (name, place) in secrets {
                says(&format!("{prefix}command.secrets.{name}"), Some(place.to_string()));
            }
        }
        Command::Native(native) => {
            let prefix = format!("{prefix}{}", native.kind.word());
            for (name, value) in &native.fields {
                given(&format!("{prefix}.{name}"), value, says);
            }
        }
        command => says(&format!("{prefix}command"), Some(process(command))),
    }
}

/// A value of a native action: a line for each text in it, but a list is one line.
fn given(field: &str, value: &Given, says: &mut impl FnMut(&str, Option<String>)) {
    match value {
        Given::Map(entries) => {
            for (name, value) in entries {
                given(&format!("{field}.{name}"), value, says);
            }
        }
        other => says(field, Some(in_one_line(other))),
    }
}

fn in_one_line(value: &Given) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match value {
        Given::Text(text) => text.to_string(),
        Given::Scalar(literal) => literal.clone(),
        Given::Duration(ms) => written(*ms),
        Given::Secret(place) => format!("{{secret: {place}}}"),
        Given::List(items) => {
            let items = items.iter().map(|item| match item {
                Given::Text(text) => quoted(&text.to_string()),
                other => in_one_line(other),
            });
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Given::Map(entries) => {
            let entries = entries.iter().map(|(name, value)| format!("{name}: {}", in_one_line(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A shell string as it stands, arguments in brackets.
fn process(command: &Command) -> String {
    match command {
        // In quotes where it could be taken for arguments, or for quoted text.
        Command::Shell(text) if text.starts_with(['[', '"']) => {
            serde_json::Value::from(text.as_str()).to_string()
        }
        Command::Shell(text) => text.clone(),
        Command::Argv(arguments) => json(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>()),
        Command::Secretive { run, .. } => process(run),
        Command::Native(native) => native.kind.word().to_owned(),
    }
}

/// A process in one line; what the agent does itself in several.
fn probe(probe: &Probe, says: &mut impl FnMut(&str, Option<String>)) {
    if let Command::Shell(_) | Command::Argv(_) = probe.command {
        let text = format!("{}, at most {}", process(&probe.command), written(probe.timeout_ms));
        return says("probe", Some(text));
    }
    command("probe.", &probe.command, says);
    says("probe.timeout", Some(written(probe.timeout_ms)));
}

/// Nothing for what is done once, as the default has it.
fn retry(retry: Retry) -> Option<String> {
    let Retry { attempts, backoff_ms, max_backoff_ms, jitter_percent } = retry;
    let pauses = format!("{} to {}, jitter {jitter_percent}%", written(backoff_ms), written(max_backoff_ms));
    (retry != ONCE).then(|| format!("{attempts} attempts, pauses {pauses}"))
}
