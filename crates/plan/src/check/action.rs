//! What a step does: exactly one of `command`, `wait` and `noop`.

use super::fields::{Field, Fields};
use super::report::Report;
use super::values::{duration, items, scalar, template};
use crate::document::Value;
use crate::fault::Fault;
use crate::keys::{PROBE, UNTIL, WAIT};
use crate::plan::{Action, Command, Probe};

/// How long a probe's answer may take unless the plan says otherwise.
const PROBE_TIMEOUT_MS: u64 = 30_000;
/// The pause between two questions of `wait: {until: …}` unless the plan says otherwise.
const INTERVAL_MS: u64 = 2000;
/// The most arguments of one process.
const MAX_ARGUMENTS: usize = 1000;

pub(super) fn read(step: &Fields<'_>, report: &mut Report) -> Option<Action> {
    let mut given = Vec::new();
    if let Some(field) = step.get("command") {
        given.push(("command", field.key_at, command(&field, report).map(Action::Command)));
    }
    if let Some(field) = step.get("wait") {
        given.push(("wait", field.key_at, wait(&field, report)));
    }
    if let Some(field) = step.get("noop") {
        given.push(("noop", field.key_at, noop(&field, report)));
    }
    if let [_, (_, second_at, _), ..] = given.as_slice() {
        let names: Vec<_> = given.iter().map(|(name, ..)| format!("`{name}`")).collect();
        let message = format!("the step has more than one action: {}", names.join(" and "));
        report.add(
            step.path,
            *second_at,
            Fault::new(message, "make a step of each, and let one need the other"),
        );
        return None;
    }
    if given.is_empty() && !step.has_later() && !["command", "wait", "noop"].iter().any(|key| step.has(key)) {
        let help = "give it one of `command`, `wait` and `noop`; `noop: {}` does nothing";
        report.add(step.path, step.at, Fault::new("the step does nothing", help));
    }
    given.pop().and_then(|(.., action)| action)
}

fn noop(field: &Field<'_>, report: &mut Report) -> Option<Action> {
    let is_empty = match &field.node.value {
        Value::Map(entries) => entries.is_empty(),
        value => matches!(value, Value::Null | Value::Bool(true)),
    };
    if !is_empty {
        field.wrong(report, "noop takes nothing", "write `noop: {}`");
    }
    is_empty.then_some(Action::Noop)
}

/// A shell string or an argument list.
pub(super) fn command(field: &Field<'_>, report: &mut Report) -> Option<Command> {
    match &field.node.value {
        Value::List(arguments) if arguments.is_empty() => {
            field.wrong(report, "the command is empty", "name the program and its arguments")
        }
        Value::List(arguments) if arguments.len() > MAX_ARGUMENTS => {
            let message =
                format!("the command has {} arguments, and {MAX_ARGUMENTS} is the most", arguments.len());
            field.wrong(report, message, "pass them in a file");
        }
        Value::List(_) => return argv(field, report),
        Value::Text(text) if text.trim().is_empty() => {
            field.wrong(report, "the command is empty", "write what the shell is to do")
        }
        Value::Text(_) => return scalar(*field, report).map(Command::Shell),
        value => {
            let message = format!("a command must be text or a list, and this is {}", value.kind());
            field.wrong(
                report,
                message,
                "write `command: ./promote.sh` for the shell, or `command: [pg_ctl, promote]` for a program",
            );
        }
    }
    None
}

fn argv(field: &Field<'_>, report: &mut Report) -> Option<Command> {
    let arguments: Vec<_> = items(field, "", report).into_iter().map(|item| template(item, report)).collect();
    let arguments: Vec<_> = arguments.into_iter().collect::<Option<_>>()?;
    if arguments
        .first()
        .and_then(|program| program.as_literal())
        .is_some_and(|program| program.trim().is_empty())
    {
        field.wrong(report, "the program's name is empty", "name the program first, then its arguments");
        return None;
    }
    Some(Command::Argv(arguments))
}

fn wait(field: &Field<'_>, report: &mut Report) -> Option<Action> {
    if !matches!(field.node.value, Value::Map(_)) {
        return duration(*field, report).map(Action::WaitFor);
    }
    let fields = Fields::read(&WAIT, field.node, &field.path, report)?;
    let interval = fields.get("interval").map(|field| duration(field, report));
    let until = fields.get("until")?;
    let until = Fields::read(&UNTIL, until.node, &until.path, report)?;
    let probe = until.get("command").and_then(|field| command(&field, report))?;
    Some(Action::WaitUntil { probe, interval_ms: interval.unwrap_or(Some(INTERVAL_MS))? })
}

/// `probe`.
pub(super) fn probe(field: &Field<'_>, report: &mut Report) -> Option<Probe> {
    let fields = Fields::read(&PROBE, field.node, &field.path, report)?;
    let timeout = fields.get("timeout").map(|field| duration(field, report));
    let command = fields.get("command").and_then(|field| command(&field, report))?;
    Some(Probe { command, timeout_ms: timeout.unwrap_or(Some(PROBE_TIMEOUT_MS))? })
}
