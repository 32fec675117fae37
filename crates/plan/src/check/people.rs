//! What people do: `approval` and `manual`.

use super::fields::{Field, Fields};
use super::lists::texts;
use super::report::Report;
use super::texts::template;
use super::values::{duration, flag, whole, word};
use crate::document::Value;
use crate::fault::Fault;
use crate::keys::{APPROVAL, MANUAL, Object};
use crate::plan::{Approval, Manual, Silence};
use crate::reference::Template;

const ON_TIMEOUT: [(&str, Silence); 2] = [("decline", Silence::Decline), ("approve", Silence::Approve)];

/// `step_ms` is the step's own timeout.
pub(super) fn approval(field: &Field<'_>, step_ms: Option<u64>, report: &mut Report) -> Option<Approval> {
    if is_text(field) {
        return Some(asking(said(field, "message", report)?, step_ms));
    }
    let fields = Fields::read(&APPROVAL, field.node, &field.path, report)?;
    let message = fields.get("message").and_then(|field| said(&field, "message", report));
    let approvers = fields.get("approvers").map(|field| whole(field, 1, 20, report));
    let timeout_ms = time(&fields, &APPROVAL, step_ms, report);
    let on_timeout = fields.get("onTimeout").map(|field| word(field, &ON_TIMEOUT, report));
    if let (Some(field), None) = (fields.get("onTimeout"), timeout_ms)
        && !fields.has("timeout")
    {
        let fault = Fault::new(
            "`onTimeout` says what silence means, and there is no `timeout`",
            "add `timeout: 10m`, or remove `onTimeout`",
        );
        report.add(&field.path, field.key_at, fault);
    }
    let two_person = fields.get("twoPerson").and_then(|field| flag(field, report)).unwrap_or(false);
    Some(Approval {
        approvers: approvers.unwrap_or(Some(1))?,
        roles: roles(&fields, report),
        on_timeout: on_timeout.unwrap_or(Some(Silence::Decline))?,
        two_person,
        ..asking(message?, timeout_ms)
    })
}

fn asking(message: Template, timeout_ms: Option<u64>) -> Approval {
    let (roles, on_timeout) = (Vec::new(), Silence::Decline);
    Approval { message, approvers: 1, roles, timeout_ms, on_timeout, two_person: false }
}

/// `step_ms` is the step's own timeout.
pub(super) fn manual(field: &Field<'_>, step_ms: Option<u64>, report: &mut Report) -> Option<Manual> {
    if is_text(field) {
        let instructions = said(field, "instructions", report)?;
        return Some(Manual { instructions, roles: Vec::new(), timeout_ms: step_ms });
    }
    let fields = Fields::read(&MANUAL, field.node, &field.path, report)?;
    let instructions = fields.get("instructions").and_then(|field| said(&field, "instructions", report));
    let timeout_ms = time(&fields, &MANUAL, step_ms, report);
    Some(Manual { instructions: instructions?, roles: roles(&fields, report), timeout_ms })
}

fn is_text(field: &Field<'_>) -> bool {
    matches!(field.node.value, Value::Text(_))
}

/// Text for people, which must say something.
fn said(field: &Field<'_>, what: &str, report: &mut Report) -> Option<Template> {
    let template = template(*field, report)?;
    if template.as_literal().is_some_and(|text| text.trim().is_empty()) {
        field.wrong(report, format!("`{what}` is empty"), "say what somebody has to know to answer");
        return None;
    }
    Some(template)
}

fn roles(fields: &Fields<'_>, report: &mut Report) -> Vec<String> {
    let roles = fields.get("roles");
    roles.map(|field| texts(&field, "the role", "write `roles: [dba]`", report)).unwrap_or_default()
}

/// How long it waits: its own time, or else the step's.
pub(super) fn time(
    fields: &Fields<'_>,
    object: &'static Object,
    step_ms: Option<u64>,
    report: &mut Report,
) -> Option<u64> {
    let Some(field) = fields.get("timeout") else { return step_ms };
    if step_ms.is_some() {
        let message = format!("{} has a timeout of its own, so that of the step means nothing", object.name);
        report.warn(&field.path, field.key_at, Fault::new(message, "keep one of the two"));
    }
    duration(field, report)
}
