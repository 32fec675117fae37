//! Whether the parts of a step fit one another.

use super::around::Around;
use super::fields::Fields;
use super::modes;
use super::report::Report;
use crate::fault::Fault;
use crate::plan::{Action, Step};
use crate::reference::Template;

/// The step with the region that it has in the end; `None` when it needs one and has none.
pub(super) fn check(
    mut step: Step,
    fields: &Fields<'_>,
    around: &Around<'_>,
    report: &mut Report,
) -> Option<Step> {
    modes::wholeness(&step, fields, report);
    undoable(&step, fields, report);
    fan_out(&step, fields, report);
    place(&mut step, fields, around, report)?;
    oddities(&mut step, fields, report);
    Some(step)
}

pub(super) fn is_by_agent(action: &Action) -> bool {
    action.is_performed() || action.question().is_some()
}

/// Whether an agent has something to do, in the step itself or in one of its modes.
fn is_by_agent_somewhere(step: &Step) -> bool {
    let mut actions = step.variants.iter().map(|variant| &variant.work.action).chain([&step.work.action]);
    actions.any(is_by_agent)
}

/// What a message calls an action that no agent does.
fn kind(action: &Action) -> &'static str {
    match action {
        Action::Approval(_) => "an approval",
        Action::Manual(_) => "a manual step",
        Action::Gate(_) => "a gate",
        Action::Barrier(_) => "a barrier",
        Action::Child(_) => "a child plan",
        Action::WaitFor(_) => "a wait",
        Action::Command(_) | Action::WaitUntil { .. } | Action::WaitStable { .. } | Action::Noop => {
            "the step"
        }
    }
}

/// The region of a step: its own, else the plan's where an agent has to do something. `None` when it needs one and has
/// none.
pub(super) fn region(
    fields: &Fields<'_>,
    own: Option<Template>,
    needs_one: bool,
    around: &Around<'_>,
    report: &mut Report,
) -> Option<Option<Template>> {
    if own.is_some() || !needs_one {
        return Some(own);
    }
    if let Some(region) = &around.region {
        return region.clone().map(Some);
    }
    let message = "an agent does the step, and no region says where";
    let help = "add `region:` with a region's name or a reference such as ${params.to}, or set `spec.defaults.region`";
    report.add(fields.path, fields.at, Fault::new(message, help));
    None
}

/// The region in the end: an override may need an agent where the step itself does not, and people need none.
fn place(step: &mut Step, fields: &Fields<'_>, around: &Around<'_>, report: &mut Report) -> Option<()> {
    let needs_one = is_by_agent_somewhere(step);
    if step.region.is_none() && needs_one {
        step.region = region(fields, None, true, around, report)?;
    }
    let is_peoples = matches!(
        step.work.action,
        Action::Approval(_) | Action::Manual(_) | Action::Gate(_) | Action::Barrier(_) | Action::Child(_)
    );
    if is_peoples && !needs_one && step.undo.is_none() {
        step.region = None;
        let message = format!("`region` means nothing for {}", kind(&step.work.action));
        warn(fields, "region", &message, report);
    }
    Some(())
}

/// An undo is done by an agent of the step's region, and only what the step did itself can be taken back.
fn undoable(step: &Step, fields: &Fields<'_>, report: &mut Report) {
    let field = fields.get("undo").or_else(|| fields.get("uses").filter(|_| step.undo.is_some()));
    let Some(field) = field else { return };
    let fault = match no_undo(&step.work.action) {
        Some(fault) => fault,
        None if step.region.is_none() && !is_by_agent(&step.work.action) => Fault::new(
            "the step has an `undo`, and no region whose agent could do it",
            "add `region:` to the step: an undo is done by an agent of the step's own region",
        ),
        None => return,
    };
    report.add(&field.path, field.key_at, fault);
}

/// Why an action cannot be undone.
pub(super) fn no_undo(action: &Action) -> Option<Fault> {
    match action {
        Action::Child(_) => {
            Some(Fault::new("a child plan has no `undo`", "remove it: its steps have undos of their own"))
        }
        Action::Approval(_) | Action::Gate(_) | Action::Barrier(_) => Some(Fault::new(
            format!("{} has no `undo`, as it changes nothing", kind(action)),
            "remove it, or put it on the step whose effect it takes back",
        )),
        _ => None,
    }
}

fn fan_out(step: &Step, fields: &Fields<'_>, report: &mut Report) {
    if let (Some(field), Action::Gate(_)) = (fields.get("forEach"), &step.work.action) {
        let help = "remove it: the condition is the same for every item; a list can be asked with `all` and `exists`";
        report.add(&field.path, field.key_at, Fault::new("a gate has no `forEach`", help));
    }
}

fn oddities(step: &mut Step, fields: &Fields<'_>, report: &mut Report) {
    if let (Some(estimate_ms), Some(field)) = (step.estimate_ms, fields.get("estimate"))
        && estimate_ms > step.work.timeout_ms
        && step.work.action.is_performed()
    {
        let fault = Fault::new(
            "the step usually takes longer than its timeout allows",
            "raise `timeout` or correct `estimate`",
        );
        report.warn(&field.path, field.node.at, fault);
    }
    let is_noop_of_agent = step.region.is_some() && matches!(step.work.action, Action::Noop);
    if !is_by_agent_somewhere(step) && !is_noop_of_agent {
        let what = kind(&step.work.action);
        step.draws.clear();
        warn(fields, "draws", "`draws` means nothing for a step that no agent does", report);
        warn(fields, "elsewhere", "`elsewhere` means nothing for a step that no agent does", report);
        warn(
            fields,
            "idempotent",
            &format!("`idempotent` means nothing for {what}, which no agent does"),
            report,
        );
    }
}

fn warn(fields: &Fields<'_>, key: &'static str, message: &str, report: &mut Report) {
    if let Some(field) = fields.get(key) {
        report.warn(&field.path, field.key_at, Fault::new(message, "remove it"));
    }
}
