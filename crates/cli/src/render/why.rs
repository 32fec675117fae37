//! Why a step stands as it does, in one line.

use baton_client::view::{Approval, Lock, RunView};

use super::tree::Branch;
use super::{printable, span};

/// Everything that is worth saying beside a step's status.
pub(crate) fn why(run: &RunView, branch: &Branch<'_>) -> String {
    let step = branch.step;
    let mut words: Vec<String> = branch.progress().into_iter().collect();
    match step.waits_for_locks.is_empty() {
        true => words.extend(reason(branch).map(printable)),
        false => words.extend(step.waits_for_locks.iter().map(|lock| format!("waits for {}", held(lock)))),
    }
    if step.status == "awaiting_approval" {
        words.extend(step.approval.as_ref().and_then(people));
    }
    if let Some(ms) = step.not_before_ms_left {
        let word = if step.attempts.is_empty() { "for another" } else { "again in" };
        words.push(format!("{word} {}", span(ms)));
    }
    if !step.mode.is_empty() && step.mode != run.mode {
        words.push(step.mode.clone());
    }
    words.join("; ")
}

/// What the cluster says, or of a step that says nothing its last attempt.
fn reason<'a>(branch: &Branch<'a>) -> Option<&'a str> {
    let attempt = || branch.step.last_attempt().and_then(|attempt| attempt.reason.as_deref());
    branch.step.reason.as_deref().or_else(attempt)
}

/// How far people are with what they are asked; nothing where one is enough and none has spoken.
pub(crate) fn people(approval: &Approval) -> Option<String> {
    let mut words = Vec::new();
    if approval.approvers > 1 || !approval.approved_by.is_empty() {
        words.push(count(approval));
    }
    if let Some(ms) = approval.deadline_ms_left {
        words.push(format!("{} left", span(ms)));
    }
    (!words.is_empty()).then(|| words.join(", "))
}

/// `1 of 2 approvals (ada@example)`.
pub(crate) fn count(approval: &Approval) -> String {
    let names: Vec<_> = approval.approved_by.iter().map(|name| printable(name)).collect();
    let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    format!("{} of {} approvals{names}", approval.approved_by.len(), approval.approvers)
}

/// A lock, with who holds it and for how long.
pub(crate) fn held(lock: &Lock) -> String {
    let step = lock.step.as_ref().map(|step| format!(", step {step},")).unwrap_or_default();
    format!("lock {}, held by {}{step} for {}", lock.lock, lock.run, span(lock.held_ms))
}
