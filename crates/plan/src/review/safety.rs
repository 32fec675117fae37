//! What may do harm: promotions without a fence, doubts without a way out, runs without a lock.

use super::codes::{DOUBTFUL, UNFENCED, UNLOCKED};
use super::{Look, is_by_agent};
use crate::native::Given;
use crate::plan::{Action, Command, Step, Work};

/// Words of a name or a program that makes something the one that all turn to.
const PROMOTES: [&str; 8] =
    ["promote", "promotion", "failover", "fail-over", "switchover", "switch-over", "takeover", "rotate"];
/// Words of a name or a program that keeps the old one from acting.
const FENCES: [&str; 13] = [
    "fence",
    "fencing",
    "isolate",
    "stonith",
    "demote",
    "drain",
    "quiesce",
    "shutdown",
    "shut-down",
    "poweroff",
    "power-off",
    "stop",
    "readonly",
];

pub(super) fn look(look: &mut Look<'_>) {
    promotions(look);
    doubts(look);
    locks(look);
}

/// Whether a step's name says one of some words, as a word of its own or the start of one.
pub(super) fn says(step: &Step, words: &[&str]) -> bool {
    let name = step.name.as_str();
    let starts = name.match_indices('-').map(|(dash, _)| dash + 1).chain([0]);
    starts.map(|start| &name[start..]).any(|rest| words.iter().any(|word| rest.starts_with(word)))
}

/// Whether the program of its command is called by one of some words, or, of a shell string, any program.
fn runs(step: &Step, words: &[&str]) -> bool {
    let Action::Command(command) = &step.work.action else { return false };
    calls(command, words)
}

fn calls(command: &Command, words: &[&str]) -> bool {
    match command {
        Command::Secretive { run, .. } => calls(run, words),
        Command::Native(native) => match native.get("sql") {
            Some(Given::Text(sql)) => words.iter().any(|word| sql.to_string().contains(word)),
            _ => false,
        },
        Command::Shell(text) => words.iter().any(|word| text.contains(word)),
        Command::Argv(arguments) => {
            let mut literals = arguments.iter().filter_map(|argument| argument.as_literal()).take(2);
            literals.any(|literal| words.iter().any(|word| literal.contains(word)))
        }
    }
}

fn promotions(look: &mut Look<'_>) {
    let is_fence = |step: &Step| says(step, &FENCES) && !says(step, &PROMOTES);
    let fenced = look.has_upstream(is_fence);
    for (index, step) in look.steps() {
        let promotes = says(step, &PROMOTES) || runs(step, &PROMOTES);
        if promotes && !is_read_only(step) && !step.work.idempotent && !fenced[index] {
            look.note(
                UNFENCED,
                Some(index),
                format!("`{}` makes a new primary, and no step before it stops the old one", step.name),
                "let it need a step such as `fence-old-primary` that stops, isolates or demotes the old one; two \
                 primaries that both take writes cannot be joined again"
                    .to_owned(),
            );
        }
    }
}

/// A step that only looks.
pub(super) fn is_read_only(step: &Step) -> bool {
    const LOOKS: [&str; 12] = [
        "check", "verify", "lag", "probe", "read", "list", "measure", "inspect", "health", "status", "is",
        "test",
    ];
    let is_word = |part: &str| {
        LOOKS.contains(&part) || part.strip_suffix('s').is_some_and(|part| LOOKS.contains(&part))
    };
    step.work.idempotent && step.name.split('-').any(is_word)
}

fn doubts(look: &mut Look<'_>) {
    let approved = look.has_upstream(|step| matches!(step.work.action, Action::Approval(_)));
    for (index, step) in look.steps() {
        let name = &step.name;
        if is_doubtful(&step.work) && !approved[index] {
            look.note(
                DOUBTFUL,
                Some(index),
                format!("when an attempt at `{name}` is lost, nothing but a person can tell whether it happened"),
                "add `probe: {command: …}`, which exits with 0 when it happened and with 1 when it did not; or put an \
                 `approval` before it, so that somebody is there; or make it idempotent"
                    .to_owned(),
            );
        }
        if step.undo.as_deref().is_some_and(is_doubtful) {
            look.note(
                DOUBTFUL,
                Some(index),
                format!(
                    "when an attempt at the undo of `{name}` is lost, the run may be stuck until a person decides"
                ),
                "add `probe: {command: …}` to the `undo`, or make it idempotent".to_owned(),
            );
        }
    }
}

fn is_doubtful(work: &Work) -> bool {
    matches!(work.action, Action::Command(_)) && !work.idempotent && work.probe.is_none()
}

fn locks(look: &mut Look<'_>) {
    if !look.plan.locks.is_empty() {
        return;
    }
    let open = |step: &Step| is_by_agent(step) && !step.work.idempotent && step.locks.is_empty();
    let Some((_, first)) = look.steps().find(|(_, step)| open(step)) else { return };
    let message = format!(
        "two runs of this plan at once would both do `{}`, which is not idempotent, and no lock keeps them apart",
        first.name
    );
    let help = format!(
        "add `locks: [{}]` under `spec`, with a name that every plan for the same service uses",
        look.plan.name
    );
    look.note(UNLOCKED, None, message, help);
}
