//! One step by itself: what can be said about it without looking at the others.

use super::asks::{Ask, Parts, asks};
use super::fields::{Field, Fields};
use super::report::Report;
use super::values::{condition, duration, flag, items, name, region, scalar, whole};
use super::{action, retry, spec};
use crate::document::{Position, Value};
use crate::fault::{Fault, shortened};
use crate::keys::STEP;
use crate::plan::{Action, OnFailure, Retry, Step};
use crate::reference::Template;

const MAX_NEEDS: usize = 1000;

/// What holds for steps that do not say otherwise.
pub(super) struct Defaults {
    pub(super) timeout_ms: u64,
    /// `Some(None)`: there is one, and it is wrong.
    pub(super) region: Option<Option<Template>>,
    pub(super) retry: Option<Retry>,
    pub(super) on_failure: OnFailure,
}

/// A step whose links to others are still names.
pub(super) struct Outline {
    pub(super) name: Option<String>,
    pub(super) name_at: Position,
    pub(super) needs: Vec<(String, Position)>,
    pub(super) asks: Vec<Ask>,
    /// Without its needs; `None` when it is wrong.
    pub(super) step: Option<Step>,
}

pub(super) fn read(item: &Field<'_>, defaults: &Defaults, report: &mut Report) -> Outline {
    let mut outline =
        Outline { name: None, name_at: item.node.at, needs: Vec::new(), asks: Vec::new(), step: None };
    let Some(fields) = Fields::read(&STEP, item.node, &item.path, report) else { return outline };
    if let Some(field) = fields.get("name") {
        outline.name_at = field.node.at;
        outline.name = name(field, report);
    }
    outline.needs = fields.get("needs").map(|field| needs(&field, report)).unwrap_or_default();
    let parts = parts(&fields, defaults, report);
    outline.asks = asks(&parts, &fields);
    outline.step = step(&fields, outline.name.clone(), parts, defaults, report);
    if let Some(step) = &outline.step {
        oddities(step, &fields, report);
    }
    outline
}

fn parts(fields: &Fields<'_>, defaults: &Defaults, report: &mut Report) -> Parts {
    let action = action::read(fields, report);
    Parts {
        region: region_of(fields, action.as_ref(), defaults, report),
        action,
        when: fields.get("when").and_then(|field| condition(field, report)),
        probe: fields.get("probe").and_then(|field| action::probe(&field, report)),
    }
}

fn needs(field: &Field<'_>, report: &mut Report) -> Vec<(String, Position)> {
    if let Value::Text(text) = &field.node.value {
        field.wrong(
            report,
            "needs must be a list, and this is text",
            format!("write `needs: [{}]`", shortened(text)),
        );
        return Vec::new();
    }
    let items = items(field, "write `needs: [first-step, second-step]`", report);
    if items.len() > MAX_NEEDS {
        let message = format!("the step needs {} others, and {MAX_NEEDS} is the most", items.len());
        field.wrong(report, message, "put a `noop` step between, which needs them all");
        return Vec::new();
    }
    items.into_iter().filter_map(|item| Some((scalar(item, report)?, item.node.at))).collect()
}

fn step(
    fields: &Fields<'_>,
    name: Option<String>,
    parts: Parts,
    defaults: &Defaults,
    report: &mut Report,
) -> Option<Step> {
    let flag =
        |key, report: &mut Report| fields.get(key).and_then(|field| flag(field, report)).unwrap_or(false);
    let idempotent = idempotent(fields, report);
    let (strict, fenced, optional) =
        (flag("strict", report), flag("fenced", report), flag("optional", report));
    let no_effect = fields.get("noEffect").map(|field| no_effect(&field, report)).unwrap_or_default();
    let timeout_ms = fields.get("timeout").and_then(|field| duration(field, report));
    let estimate_ms = fields.get("estimate").and_then(|field| duration(field, report));
    let retry = retry_of(fields, idempotent, defaults, report);
    let on_failure = fields.get("onFailure").and_then(|field| spec::on_failure(field, report));
    let description = fields.get("description").and_then(|field| scalar(field, report));
    Some(Step {
        name: name?,
        description,
        needs: Vec::new(),
        region: parts.region?,
        action: parts.action?,
        idempotent: idempotent?,
        strict,
        fenced,
        no_effect,
        when: parts.when.map(|(when, _)| when),
        probe: parts.probe,
        timeout_ms: timeout_ms.unwrap_or(defaults.timeout_ms),
        retry,
        optional,
        estimate_ms,
        on_failure: on_failure.unwrap_or(defaults.on_failure),
    })
}

/// The one question that has no default, as every answer to it can be the wrong one.
fn idempotent(fields: &Fields<'_>, report: &mut Report) -> Option<bool> {
    if let Some(field) = fields.get("idempotent") {
        return flag(field, report);
    }
    let Some(command) = fields.get("command") else { return Some(true) };
    let message = "the step does not say whether its command may be done twice";
    let help = "add `idempotent: true` if doing it twice is the same as doing it once: a lost attempt is then simply repeated; \
                add `idempotent: false` if not: it is then never attempted twice unless the first attempt is known not to have happened";
    report.add(fields.path, command.key_at, Fault::new(message, help));
    None
}

fn region_of(
    fields: &Fields<'_>,
    action: Option<&Action>,
    defaults: &Defaults,
    report: &mut Report,
) -> Option<Option<Template>> {
    if let Some(field) = fields.get("region") {
        return region(field, report).map(Some);
    }
    let is_by_agent = matches!(action, Some(Action::Command(_) | Action::WaitUntil { .. }));
    if !is_by_agent {
        return Some(None);
    }
    match &defaults.region {
        Some(region) => region.clone().map(Some),
        None => {
            let message = "the step has a command, and no region to run it in";
            let help = "add `region:` with a region's name or a reference such as ${params.to}, or set `spec.defaults.region`";
            report.add(fields.path, fields.at, Fault::new(message, help));
            None
        }
    }
}

fn no_effect(field: &Field<'_>, report: &mut Report) -> Vec<i32> {
    let codes = items(field, "write exit codes such as `noEffect: [75]`", report);
    codes
        .into_iter()
        .filter_map(|code| whole(code, 1, 255, report))
        .filter_map(|code| i32::try_from(code).ok())
        .collect()
}

/// What failed by its own word may still have happened in part, so trying it again needs a reason to believe that it
/// did not.
fn retry_of(
    fields: &Fields<'_>,
    idempotent: Option<bool>,
    defaults: &Defaults,
    report: &mut Report,
) -> Retry {
    let Some(field) = fields.get("retry") else {
        let inherited =
            defaults.retry.filter(|_| idempotent == Some(true) && fields.get("command").is_some());
        return inherited.unwrap_or(retry::ONCE);
    };
    let retry = retry::read(&field, report).unwrap_or(retry::ONCE);
    let can_know = fields.get("probe").is_some() || fields.get("noEffect").is_some();
    if retry.attempts > 1 && idempotent == Some(false) && !can_know {
        let message = "a step that is not idempotent cannot be tried again on its own word that it failed";
        let help = "add a `probe` that tells whether it happened (it is asked before every attempt), or name in `noEffect` the exit codes \
                    that say that nothing happened, or remove `retry`";
        report.add(&field.path, field.key_at, Fault::new(message, help));
    }
    retry
}

fn oddities(step: &Step, fields: &Fields<'_>, report: &mut Report) {
    if let (Some(estimate_ms), Some(field)) = (step.estimate_ms, fields.get("estimate"))
        && estimate_ms > step.timeout_ms
        && matches!(step.action, Action::Command(_))
    {
        let fault = Fault::new(
            "the step usually takes longer than its timeout allows",
            "raise `timeout` or correct `estimate`",
        );
        report.warn(&field.path, field.node.at, fault);
    }
    for key in ["probe", "noEffect", "fenced", "strict", "retry"] {
        if let (Some(field), false) = (fields.get(key), matches!(step.action, Action::Command(_))) {
            let fault =
                Fault::new(format!("`{key}` means nothing for a step without a `command`"), "remove it");
            report.warn(&field.path, field.key_at, fault);
        }
    }
}
