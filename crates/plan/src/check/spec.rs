//! `spec`: what the plan does.

use std::collections::BTreeMap;

use super::fields::{Field, Fields};
use super::report::Report;
use super::step::{self, Defaults, Outline};
use super::values::{duration, duration_or_none, items, region, whole, word};
use super::{links, param, retry};
use crate::document::Value;
use crate::keys::{DEFAULTS, LIMITS, OBJECTIVES, SPEC};
use crate::plan::{Limits, OnFailure, Param, Pattern, Step};
use crate::reference::Reference;

/// The most steps of a plan.
const MAX_STEPS: usize = 10_000;
const TIMEOUT_MS: u64 = 300_000;

const PATTERNS: [(&str, Pattern); 4] = [
    ("backup-restore", Pattern::BackupRestore),
    ("pilot-light", Pattern::PilotLight),
    ("warm-standby", Pattern::WarmStandby),
    ("active-active", Pattern::ActiveActive),
];

pub(super) struct Spec {
    pub(super) pattern: Option<Pattern>,
    pub(super) rto_ms: Option<u64>,
    pub(super) rpo_ms: Option<u64>,
    pub(super) params: Vec<Param>,
    pub(super) limits: Limits,
    pub(super) steps: Vec<Step>,
}

pub(super) fn read(field: &Field<'_>, report: &mut Report) -> Option<Spec> {
    let fields = Fields::read(&SPEC, field.node, &field.path, report)?;
    let words = PATTERNS.map(|(word, _)| word);
    let pattern = fields.get("pattern").and_then(|field| word(field, &words, &[], report));
    let (rto_ms, rpo_ms) =
        fields.get("objectives").map(|field| objectives(&field, report)).unwrap_or_default();
    let limits = fields.get("limits").map(|field| limits(&field, report)).unwrap_or_default();
    let params = fields.get("params").map(|field| param::read(&field, report)).unwrap_or_default();
    let defaults = defaults(&fields, &params, report);
    let steps = fields.get("steps").map(|field| steps(&field, &defaults, &params, report));
    Some(Spec {
        pattern: PATTERNS
            .iter()
            .find(|(word, _)| Some(*word) == pattern.as_deref())
            .map(|(_, pattern)| *pattern),
        rto_ms,
        rpo_ms,
        params,
        limits,
        steps: steps.flatten()?,
    })
}

fn objectives(field: &Field<'_>, report: &mut Report) -> (Option<u64>, Option<u64>) {
    let Some(fields) = Fields::read(&OBJECTIVES, field.node, &field.path, report) else {
        return (None, None);
    };
    let rto = fields.get("rto").and_then(|field| duration(field, report));
    (rto, fields.get("rpo").and_then(|field| duration_or_none(field, report)))
}

fn limits(field: &Field<'_>, report: &mut Report) -> Limits {
    let Some(fields) = Fields::read(&LIMITS, field.node, &field.path, report) else {
        return Limits::default();
    };
    let parallel = fields.get("parallel").and_then(|field| whole(field, 1, 10_000, report));
    Limits { parallel, per_region: fields.get("perRegion").and_then(|field| whole(field, 1, 10_000, report)) }
}

pub(super) fn on_failure(field: Field<'_>, report: &mut Report) -> Option<OnFailure> {
    let not_yet = [
        ("undo", "use `pause`, and undo by hand"),
        ("continue", "mark the steps that may fail with `optional: true`"),
    ];
    match word(field, &["stop", "pause"], &not_yet, report)?.as_str() {
        "pause" => Some(OnFailure::Pause),
        _ => Some(OnFailure::Stop),
    }
}

fn defaults(spec: &Fields<'_>, params: &[Param], report: &mut Report) -> Defaults {
    let on_failure =
        spec.get("onFailure").and_then(|field| on_failure(field, report)).unwrap_or(OnFailure::Stop);
    let mut defaults = Defaults { timeout_ms: TIMEOUT_MS, region: None, retry: None, on_failure };
    let Some(field) = spec.get("defaults") else { return defaults };
    let Some(fields) = Fields::read(&DEFAULTS, field.node, &field.path, report) else { return defaults };
    if let Some(timeout_ms) = fields.get("timeout").and_then(|field| duration(field, report)) {
        defaults.timeout_ms = timeout_ms;
    }
    defaults.retry = fields.get("retry").and_then(|field| retry::read(&field, report));
    if let Some(field) = fields.get("region") {
        defaults.region = Some(region(field, report));
        let asked = defaults.region.iter().flatten().flat_map(|region| region.references());
        for reference in asked {
            match reference {
                Reference::Param(name) => {
                    links::param_exists(&field.path, field.node.at, name, params, report)
                }
                Reference::Output { .. } => {
                    field.wrong(
                        report,
                        format!("`{reference}` cannot stand in a default"),
                        "write it in the steps that are downstream of that step",
                    );
                }
                Reference::Run(_) => {}
            }
        }
    }
    defaults
}

/// All steps with their needs resolved; `None` when one of them is wrong.
fn steps(field: &Field<'_>, defaults: &Defaults, params: &[Param], report: &mut Report) -> Option<Vec<Step>> {
    let nodes = items(field, "write the steps as a list, each with `- name: …`", report);
    if nodes.len() > MAX_STEPS {
        field.wrong(
            report,
            format!("the plan has {} steps, and {MAX_STEPS} is the most", nodes.len()),
            "split the plan",
        );
        return None;
    }
    if nodes.is_empty() && matches!(field.node.value, Value::List(_)) {
        field.wrong(report, "the plan has no steps", "add one: `- name: hello`, with `noop: {}` below it");
    }
    let mut outlines: Vec<Outline> = nodes.iter().map(|node| step::read(node, defaults, report)).collect();
    let by_name = names(field, &outlines, report);
    links::check(&field.path, &mut outlines, &by_name, params, report);
    outlines.into_iter().map(|outline| outline.step).collect()
}

/// Every step by its name; the first of those that share one.
fn names(field: &Field<'_>, outlines: &[Outline], report: &mut Report) -> BTreeMap<String, usize> {
    let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
    for (index, outline) in outlines.iter().enumerate() {
        let Some(name) = &outline.name else { continue };
        match by_name.get(name) {
            Some(first) => {
                let lines = (outlines[*first].name_at.line, outline.name_at.line);
                let message =
                    format!("two steps are named `{name}`: on line {} and on line {}", lines.0, lines.1);
                let fault = crate::Fault::new(message, "rename one of them, and the `needs` that mean it");
                report.add(&field.path.item(index).key("name"), outline.name_at, fault);
            }
            None => drop(by_name.insert(name.clone(), index)),
        }
    }
    by_name
}
