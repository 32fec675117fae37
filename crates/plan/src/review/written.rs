//! What a reader, a critical path or a night shift needs to know, and nobody wrote.

use super::Look;
use super::codes::{ESTIMATE, OWNER, TIMEOUT, UNDO};
use super::safety::is_read_only;
use crate::check::TIMEOUT_MS;
use crate::plan::{Action, Step};

pub(super) fn look(look: &mut Look<'_>) {
    for (index, step) in look.steps() {
        timeout(index, step, look);
        estimate(index, step, look);
        undo(index, step, look);
    }
    owners(look);
}

fn timeout(index: usize, step: &Step, look: &mut Look<'_>) {
    let (message, help) = match &step.work.action {
        Action::Command(_) | Action::WaitUntil { .. } | Action::WaitStable { .. } => {
            let is_chosen = match look.written {
                Some(written) => written[index].says_timeout,
                // Without the file nobody knows whether the default was written out.
                None => step.work.timeout_ms != TIMEOUT_MS,
            };
            if is_chosen {
                return;
            }
            (
                format!("nobody chose how long `{}` may take; it is 5m", step.name),
                "add `timeout: 2m`, or `spec.defaults.timeout` for all steps",
            )
        }
        Action::Approval(approval) if approval.timeout_ms.is_none() => (
            format!("`{}` waits for an answer without end", step.name),
            "add `timeout: 15m` to the approval, and with `onTimeout` what silence means",
        ),
        Action::Manual(manual) if manual.timeout_ms.is_none() => (
            format!("`{}` waits for a person without end", step.name),
            "add `timeout: 1h`; then the step fails",
        ),
        Action::Gate(gate) if gate.timeout_ms.is_none() => (
            format!("`{}` waits for an override without end where its condition does not hold", step.name),
            "add `timeout: 15m`; then the step fails",
        ),
        Action::Barrier(barrier)
            if barrier.timeout_ms.is_none() && (barrier.at_least as usize) < step.needs.len() =>
        {
            (
                format!("`{}` waits without end for {} of its steps", step.name, barrier.at_least),
                "add `timeout: 10m` to the barrier, and with `onTimeout` what happens then",
            )
        }
        _ => return,
    };
    look.note(TIMEOUT, Some(index), message, help.to_owned());
}

fn estimate(index: usize, step: &Step, look: &mut Look<'_>) {
    let takes_time = matches!(
        step.work.action,
        Action::Command(_)
            | Action::WaitUntil { .. }
            | Action::WaitStable { .. }
            | Action::Manual(_)
            | Action::Child(_)
    );
    if takes_time && step.estimate_ms.is_none() {
        look.note(
            ESTIMATE,
            Some(index),
            format!("`{}` has no estimate, so it counts as 1s on the critical path", step.name),
            "add `estimate: 30s`, as long as it took in the last drill".to_owned(),
        );
    }
}

fn undo(index: usize, step: &Step, look: &mut Look<'_>) {
    let changes_something = matches!(step.work.action, Action::Command(_)) && !is_read_only(step);
    if changes_something && step.undo.is_none() {
        look.note(
            UNDO,
            Some(index),
            format!("`{}` has no `undo`, so a run that unwinds leaves its effect behind", step.name),
            "add `undo: {command: …, idempotent: true}`, or `undo: {noop: {}}` to say that nothing is to be taken back"
                .to_owned(),
        );
    }
}

fn owners(look: &mut Look<'_>) {
    if look.plan.owner.is_some() {
        return;
    }
    let nobodys: Vec<_> = look.steps().filter(|(_, step)| step.owner.is_none()).collect();
    let [(first, _), ..] = nobodys.as_slice() else { return };
    let names: Vec<_> = nobodys.iter().take(3).map(|(_, step)| format!("`{}`", step.name)).collect();
    let more = match nobodys.len() {
        ..=3 => String::new(),
        count => format!(" and {} more", count - 3),
    };
    let message = format!("nobody answers for {}{more}", names.join(", "));
    let place = Some(*first).filter(|_| nobodys.len() < look.plan.steps.len());
    look.note(
        OWNER,
        place,
        message,
        "add `metadata.owner` with the team that is called at night, or an `owner` to each step".to_owned(),
    );
}
