//! `modes` and `inMode`: when a step is done, and what is otherwise then.

use super::action::Reader;
use super::fields::{Field, Fields};
use super::lists::items;
use super::report::Report;
use super::values::{duration, flag, word};
use super::work::{self, Base, Given, Otherwise};
use crate::document::Value;
use crate::fault::Fault;
use crate::keys::{IN_MODE, PERFORMED, VARIANT};
use crate::plan::{Action, Setting, Step, Variant, Work};

const SETTINGS: [(&str, Setting); 3] =
    [("graceful", Setting::Graceful), ("ungraceful", Setting::Ungraceful), ("drill", Setting::Drill)];

/// `modes`.
pub(super) fn modes(field: &Field<'_>, report: &mut Report) -> Vec<Setting> {
    let example = "write `modes: [graceful]`";
    let mut modes = Vec::new();
    let items = items(field, example, report);
    if items.is_empty() && matches!(field.node.value, Value::List(_)) {
        field.wrong(
            report,
            "there is no mode, so the step would never be done",
            "name the modes, or remove the key",
        );
    }
    for item in items.into_iter().take(100) {
        match word(item, &SETTINGS, report) {
            Some(mode) if modes.contains(&mode) => {
                item.wrong(report, "the mode is listed twice", "remove one of the two");
            }
            mode => modes.extend(mode),
        }
    }
    modes
}

/// The step around some overrides, as far as they depend on it.
pub(super) struct Around<'a> {
    /// `None` when the step itself is wrong; its overrides are then read for their own problems.
    pub(super) work: Option<&'a Work>,
    pub(super) says_retry: bool,
    pub(super) timeout_ms: Option<u64>,
    pub(super) optional: bool,
    pub(super) modes: &'a [Setting],
}

/// `inMode`.
pub(super) fn variants(field: &Field<'_>, around: &Around<'_>, report: &mut Report) -> Vec<Variant> {
    let Some(fields) = Fields::read(&IN_MODE, field.node, &field.path, report) else { return Vec::new() };
    if matches!(&field.node.value, Value::Map(entries) if entries.is_empty()) {
        field.wrong(report, "inMode names no mode", "write `inMode: {ungraceful: {…}}`, or remove it");
    }
    let mut variants = Vec::new();
    for (key, setting) in SETTINGS {
        let Some(field) = fields.get(key) else { continue };
        if !around.modes.is_empty() && !around.modes.contains(&setting) {
            let message = format!("the step is not done in mode `{key}`, so there is nothing to override");
            let help = format!("remove it, or add `{key}` to the step's `modes`");
            report.add(&field.path, field.key_at, Fault::new(message, help));
        }
        variants.extend(variant(&field, setting, around, report));
    }
    variants
}

fn variant(field: &Field<'_>, setting: Setting, around: &Around<'_>, report: &mut Report) -> Option<Variant> {
    let fields = Fields::read(&VARIANT, field.node, &field.path, report)?;
    if matches!(&field.node.value, Value::Map(entries) if entries.is_empty()) {
        field.wrong(
            report,
            "the override says nothing",
            "write what is otherwise in this mode, or remove it",
        );
    }
    let timeout_ms = fields.get("timeout").and_then(|field| duration(field, report));
    let who = "the override";
    let reader = Reader { who, plan: None, needs: 0, timeout_ms: timeout_ms.or(around.timeout_ms) };
    let says_action = VARIANT.actions().any(|key| fields.has(key));
    let own = reader.read(&fields, &VARIANT, report);
    let action = match says_action {
        true => own,
        false => around.work.map(|work| waiting(work.action.clone(), timeout_ms)),
    };
    allowed(&fields, around.work.map(|work| &work.action), report);
    work::meaningless(&fields, action.as_ref(), report);
    let gives_way = says_action && !PERFORMED.iter().any(|key| fields.has(key));
    let base = around.work.map(|work| Base { work, says_retry: around.says_retry, gives_way });
    let otherwise =
        Otherwise { timeout_ms: around.work.map_or(0, |work| work.timeout_ms), retry: None, base };
    let work = work::read(&fields, Given { who, action, timeout_ms }, &otherwise, report);
    let optional = fields.get("optional").map(|field| flag(field, report));
    Some(Variant { setting, work: work?, optional: optional.unwrap_or(Some(around.optional))? })
}

/// The step's own action with another time to wait for people.
pub(super) fn waiting(action: Action, timeout_ms: Option<u64>) -> Action {
    let Some(timeout_ms) = timeout_ms.map(Some) else { return action };
    match action {
        Action::Approval(approval) => Action::Approval(crate::plan::Approval { timeout_ms, ..approval }),
        Action::Manual(manual) => Action::Manual(crate::plan::Manual { timeout_ms, ..manual }),
        Action::Gate(gate) => Action::Gate(crate::plan::Gate { timeout_ms, ..gate }),
        other => other,
    }
}

/// People and gates stand only in the place of people and gates: what an agent does is not decided by asking.
fn allowed(fields: &Fields<'_>, base: Option<&Action>, report: &mut Report) {
    if matches!(base, None | Some(Action::Approval(_) | Action::Manual(_) | Action::Gate(_))) {
        return;
    }
    for key in ["approval", "manual", "gate"] {
        if let Some(field) = fields.get(key) {
            let message =
                format!("`{key}` can only stand in the place of an approval, a manual step or a gate");
            let help = format!("make a step of its own of it, with `{key}` and `modes`");
            report.add(&field.path, field.key_at, Fault::new(message, help));
        }
    }
}

/// What cannot be said of a step that is the same in every mode, or that is done by the coordinators alone.
pub(super) fn wholeness(step: &Step, fields: &Fields<'_>, report: &mut Report) {
    if !matches!(step.work.action, Action::Barrier(_)) {
        return;
    }
    for (key, why) in [
        ("when", "the steps that it needs decide whether it is passed; put the condition on those"),
        ("forEach", "let it need the step that has `forEach`, which waits for its items already"),
        ("modes", "put the modes on the steps that it needs; what is skipped counts as done"),
        ("inMode", "put the override on the steps that it needs"),
    ] {
        if let Some(field) = fields.get(key) {
            report.add(&field.path, field.key_at, Fault::new(format!("a barrier has no `{key}`"), why));
        }
    }
}
