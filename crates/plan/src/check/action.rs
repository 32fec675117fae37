//! What is done: exactly one action.

use super::fields::{Field, Fields};
use super::lists::items;
use super::report::Report;
use super::texts::{condition, template};
use super::values::{duration, scalar};
use super::{kinds, native, people};
use crate::document::Value;
use crate::expression::About;
use crate::fault::{Fault, shortened};
use crate::keys::{DNS, HAPROXY, HTTP, Object, POSTGRES, PROBE, SECRET_COMMAND, UNTIL, WAIT};
use crate::native::Kind;
use crate::plan::{Action, Command, Gate, Probe};
use crate::reference::Template;

/// How long a probe's answer may take unless the plan says otherwise.
const PROBE_TIMEOUT_MS: u64 = 30_000;
/// The pause between two questions of `wait: {until: …}` unless the plan says otherwise.
const INTERVAL_MS: u64 = 2000;
/// The most arguments of one process.
const MAX_ARGUMENTS: usize = 1000;

/// What an action is read for.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    /// What a problem calls that which does it: "the step".
    pub(super) who: &'static str,
    /// The plan's name, which no child plan of it can have.
    pub(super) plan: Option<&'a str>,
    /// How many steps it needs.
    pub(super) needs: usize,
    /// The step has a `timeout`, which an approval, a manual step, a gate or a barrier takes for its own.
    pub(super) timeout_ms: Option<u64>,
}

impl Reader<'_> {
    /// The one action of some fields. Each that is given is read, so that all problems are reported at once.
    pub(super) fn read(
        &self,
        fields: &Fields<'_>,
        object: &'static Object,
        report: &mut Report,
    ) -> Option<Action> {
        let given = object.actions().filter_map(|key| Some((key, fields.get(key)?)));
        let mut given: Vec<_> =
            given.map(|(key, field)| (key, field.key_at, self.action(key, &field, report))).collect();
        given.sort_by_key(|(_, at, _)| *at);
        if let [(first, ..), (second, second_at, _), ..] = given.as_slice() {
            let more = if given.len() > 2 { ", and more" } else { "" };
            let message = format!("{} has more than one action: `{first}` and `{second}`{more}", self.who);
            let help = match self.who {
                "the step" => "make a step of each, and let one need the other",
                _ => "keep one of them",
            };
            report.add(fields.path, *second_at, Fault::new(message, help));
            return None;
        }
        given.pop().and_then(|(.., action)| action)
    }

    /// Says that there is no action, where there is none and none was meant.
    pub(super) fn must_have(&self, fields: &Fields<'_>, object: &'static Object, report: &mut Report) {
        if fields.has_merge() || object.actions().any(|key| fields.has(key)) {
            return;
        }
        let names: Vec<_> = object.actions().map(|key| format!("`{key}`")).collect();
        let help = format!("give it one of {}; `noop: {{}}` does nothing", names.join(", "));
        report.add(fields.path, fields.at, Fault::new(format!("{} does nothing", self.who), help));
    }

    fn action(&self, key: &str, field: &Field<'_>, report: &mut Report) -> Option<Action> {
        match key {
            "command" | "http" | "postgres" | "dns" | "haproxy" => {
                performed(key, field, false, report).map(Action::Command)
            }
            "wait" => wait(field, report),
            "noop" => noop(field, report),
            "approval" => people::approval(field, self.timeout_ms, report).map(Action::Approval),
            "manual" => people::manual(field, self.timeout_ms, report).map(Action::Manual),
            "gate" => condition(*field, About::Run, report)
                .map(|expression| Action::Gate(Gate { expression, timeout_ms: self.timeout_ms })),
            "barrier" => kinds::barrier(field, self.needs, self.timeout_ms, report).map(Action::Barrier),
            "plan" => kinds::child(field, self.plan, report).map(Action::Child),
            _ => None,
        }
    }
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

/// What an agent does and that answers, under its key.
fn performed(key: &str, field: &Field<'_>, is_question: bool, report: &mut Report) -> Option<Command> {
    let native = |kind, object, report| native::read(kind, field, object, is_question, report);
    let native = match key {
        "http" => native(Kind::Http, &HTTP, report),
        "postgres" => native(Kind::Postgres, &POSTGRES, report),
        "dns" => native(Kind::Dns, &DNS, report),
        "haproxy" => native(Kind::Haproxy, &HAPROXY, report),
        _ => return command(field, report),
    };
    native.map(Command::Native)
}

/// The one question of some fields.
fn question(
    fields: &Fields<'_>,
    object: &'static Object,
    who: &'static str,
    report: &mut Report,
) -> Option<Command> {
    let given = object.actions().filter_map(|key| Some((key, fields.get(key)?)));
    let mut given: Vec<_> =
        given.map(|(key, field)| (field.key_at, performed(key, &field, true, report))).collect();
    let names: Vec<_> = object.actions().map(|key| format!("`{key}`")).collect();
    let help = format!("give it one of {}", names.join(", "));
    match given.as_slice() {
        [] if !object.actions().any(|key| fields.has(key)) => {
            report.add(fields.path, fields.at, Fault::new(format!("{who} asks nothing"), help));
        }
        [_, (second_at, _), ..] => {
            report.add(fields.path, *second_at, Fault::new(format!("{who} asks more than one thing"), help));
            return None;
        }
        _ => {}
    }
    given.pop().and_then(|(_, command)| command)
}

/// The question that some actions are for themselves: is it so already?
pub(super) fn own_probe(action: &Action) -> Option<Probe> {
    let Action::Command(Command::Native(native)) = action else { return None };
    native.as_question().map(|asked| Probe { command: Command::Native(asked), timeout_ms: PROBE_TIMEOUT_MS })
}

/// A shell string or an argument list, or one with secrets.
pub(super) fn command(field: &Field<'_>, report: &mut Report) -> Option<Command> {
    match &field.node.value {
        Value::Map(_) => secretive(field, report),
        _ => process(field, report),
    }
}

fn secretive(field: &Field<'_>, report: &mut Report) -> Option<Command> {
    let fields = Fields::read(&SECRET_COMMAND, field.node, &field.path, report)?;
    let run = fields.get("run").and_then(|field| process(&field, report));
    let secrets = fields.get("secrets").map(|field| secrets(&field, report));
    Some(Command::Secretive { run: Box::new(run?), secrets: secrets.unwrap_or(Some(Vec::new()))? })
}

/// Variables, each with where its value is read.
fn secrets(field: &Field<'_>, report: &mut Report) -> Option<Vec<(String, Template)>> {
    let Value::Map(entries) = &field.node.value else {
        field.wrong_kind(report, "a mapping", "write `secrets: {PGPASSWORD: env:PGPASSWORD}`");
        return None;
    };
    let entry = |(key, node): &(crate::document::Key, crate::document::Node)| {
        let entry = Field { path: field.path.key(&key.name), node, key_at: key.at };
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_name = key.name.chars().all(letters) && !key.name.starts_with(|c: char| c.is_ascii_digit());
        if !is_name || key.name.is_empty() || key.name.starts_with("BATON_") {
            let message = format!("`{}` cannot be the name of a secret's variable", shortened(&key.name));
            let help = "use letters, digits and underscores; names that begin with `BATON_` are Baton's own";
            report.add(&entry.path, key.at, Fault::new(message, help));
        }
        Some((key.name.clone(), native::place(entry, report)?))
    };
    let read: Vec<_> = entries.iter().map(entry).collect();
    read.into_iter().collect()
}

fn process(field: &Field<'_>, report: &mut Report) -> Option<Command> {
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
    let interval = fields.get("every").map(|field| duration(field, report));
    let stable = fields.get("stableFor").map(|field| duration(field, report));
    let until = fields.get("until")?;
    let until = Fields::read(&UNTIL, until.node, &until.path, report)?;
    let probe = question(&until, &UNTIL, "`until`", report)?;
    let interval_ms = interval.unwrap_or(Some(INTERVAL_MS))?;
    Some(match stable {
        Some(stable_ms) => Action::WaitStable { probe, interval_ms, stable_ms: stable_ms? },
        None => Action::WaitUntil { probe, interval_ms },
    })
}

/// `probe`.
pub(super) fn probe(field: &Field<'_>, report: &mut Report) -> Option<Probe> {
    let fields = Fields::read(&PROBE, field.node, &field.path, report)?;
    let timeout = fields.get("timeout").map(|field| duration(field, report));
    let command = question(&fields, &PROBE, "the probe", report)?;
    Some(Probe { command, timeout_ms: timeout.unwrap_or(Some(PROBE_TIMEOUT_MS))? })
}
