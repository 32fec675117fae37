//! What a picture says of a step.

use crate::fault::shortened;
use crate::plan::{Action, Items, Step};

/// The lines of a node: its name, what it does and where, and what it holds.
pub(super) fn label(step: &Step) -> Vec<String> {
    let place = place(step);
    let place = if place.is_empty() { place } else { format!(" in {place}") };
    let mut lines = vec![step.name.clone(), format!("{}{place}", what(step))];
    lines.extend(Some(holds(step)).filter(|holds| !holds.is_empty()));
    lines
}

/// What a step does, and what is special about it: `command, once, optional, ↶`.
pub(super) fn what(step: &Step) -> String {
    let mut parts = vec![action(step)];
    let mut is = |really: bool, part: &str| parts.extend(really.then(|| part.to_owned()));
    is(!step.work.idempotent, "once");
    is(step.optional, "optional");
    is(step.undo.is_some(), "↶");
    let words = |settings: Vec<&str>| settings.join("/");
    if !step.modes.is_empty() {
        parts.push(format!("only {}", words(step.modes.iter().map(|mode| mode.word()).collect())));
    }
    if !step.variants.is_empty() {
        let settings = step.variants.iter().map(|variant| variant.setting.word()).collect();
        parts.push(format!("otherwise in {}", words(settings)));
    }
    parts.join(", ")
}

fn action(step: &Step) -> String {
    let action = match &step.work.action {
        Action::Command(_) => match &step.uses {
            Some(uses) => uses.name.clone(),
            None => step.work.action.word().to_owned(),
        },
        Action::Noop => "noop".to_owned(),
        Action::WaitFor(_) => "wait".to_owned(),
        Action::WaitUntil { .. } | Action::WaitStable { .. } => "wait until".to_owned(),
        Action::Approval(approval) if approval.approvers > 1 => format!("approval of {}", approval.approvers),
        Action::Approval(_) => "approval".to_owned(),
        Action::Manual(_) => "manual".to_owned(),
        Action::Gate(_) => "gate".to_owned(),
        Action::Barrier(barrier) => format!("barrier {} of {}", barrier.at_least, step.needs.len()),
        Action::Child(child) => format!("plan {}", child.plan),
    };
    match &step.for_each {
        Some(for_each) => format!("{action} ×{}", items(&for_each.items)),
        None => action,
    }
}

/// How many items there are, as far as the plan says.
fn items(items: &Items) -> String {
    match items {
        Items::List(items) => items.len().to_string(),
        Items::Text(text) => match text.as_literal() {
            Some(literal) => crate::params::items(literal).len().to_string(),
            None => text.to_string(),
        },
    }
}

pub(super) fn place(step: &Step) -> String {
    step.region.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// What it draws on and locks.
pub(super) fn holds(step: &Step) -> String {
    let draws: Vec<_> = step.draws.iter().map(|draw| format!("{} {}", draw.units, draw.resource)).collect();
    let locks: Vec<_> = step.locks.iter().map(|lock| shortened(&lock.to_string())).collect();
    let draws =
        Some(draws.join(", ")).filter(|draws| !draws.is_empty()).map(|draws| format!("draws {draws}"));
    let locks =
        Some(locks.join(", ")).filter(|locks| !locks.is_empty()).map(|locks| format!("locks {locks}"));
    draws.into_iter().chain(locks).collect::<Vec<_>>().join(", ")
}
