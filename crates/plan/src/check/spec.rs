//! `spec`: what the plan does.

use std::collections::BTreeMap;

use super::around::Around;
use super::asks::What;
use super::fields::{Field, Fields};
use super::links::Declared;
use super::lists::items;
use super::named::Named;
use super::report::Report;
use super::step::{self, Outline};
use super::texts::region;
use super::values::{duration, duration_or_none, whole, word};
use super::{clock, holds, links, param, retry};
use crate::document::{Position, Value};
use crate::fault::Fault;
use crate::keys::{DEFAULTS, LIMITS, OBJECTIVES, ON_FAILURE, SPEC};
use crate::plan::{Limits, OnFailure, Param, Pattern, RecoveryTime, Resource, Step, StepIndex};
use crate::reference::Template;

/// The most steps of a plan.
const MAX_STEPS: usize = 10_000;
/// How long an attempt may take when nobody said.
pub(crate) const TIMEOUT_MS: u64 = 300_000;

const ON_FAILURE_WORDS: [(&str, OnFailure); 4] = [
    ("stop", OnFailure::Stop),
    ("pause", OnFailure::Pause),
    ("continue", OnFailure::Continue),
    ("undo", OnFailure::Undo),
];

const PATTERNS: [(&str, Pattern); 4] = [
    ("backup-restore", Pattern::BackupRestore),
    ("pilot-light", Pattern::PilotLight),
    ("warm-standby", Pattern::WarmStandby),
    ("active-active", Pattern::ActiveActive),
];

pub(super) struct Spec {
    pub(super) pattern: Option<Pattern>,
    pub(super) recovery: RecoveryTime,
    pub(super) rpo_ms: Option<u64>,
    pub(super) params: Vec<Param>,
    pub(super) limits: Limits,
    pub(super) resources: Vec<Resource>,
    pub(super) locks: Vec<Template>,
    pub(super) timeout_ms: Option<u64>,
    pub(super) on_failure: OnFailure,
    pub(super) steps: Vec<Step>,
    pub(super) written: Vec<Written>,
}

/// What the file says of a step that the plan does not keep.
#[derive(Clone, Copy)]
pub(crate) struct Written {
    /// Where its name stands.
    pub(crate) at: Position,
    /// Somebody thought about how long it may take.
    pub(crate) says_timeout: bool,
}

/// `plan` is the plan's name.
pub(super) fn read(
    field: &Field<'_>,
    plan: Option<&str>,
    named: &Named,
    report: &mut Report,
) -> Option<Spec> {
    let fields = Fields::read(&SPEC, field.node, &field.path, report)?;
    let pattern = fields.get("pattern").and_then(|field| word(field, &PATTERNS, report));
    let (rto_ms, rpo_ms) =
        fields.get("objectives").map(|field| objectives(&field, report)).unwrap_or_default();
    let limits = fields.get("limits").map(|field| limits(&field, report)).unwrap_or_default();
    let params = fields.get("params").map(|field| param::read(&field, report)).unwrap_or_default();
    let resources = fields.get("resources").map(|field| holds::resources(&field, report));
    let locks = fields.get("locks").map(|field| locks(&field, &params, report)).unwrap_or_default();
    let timeout_ms = fields.get("timeout").and_then(|field| duration(field, report));
    let mut around = defaults(&fields, plan, named, &params, report);
    around.resources = resources.unwrap_or_default();
    let objectives: Vec<_> = [rto_ms.map(|_| "rto"), rpo_ms.map(|_| "rpo")].into_iter().flatten().collect();
    let declared = Declared { params: &params, objectives: &objectives };
    let steps =
        fields.get("steps").map(|field| steps(&field, fields.get("clock"), &around, &declared, report));
    let (steps, written, stop) = steps.flatten()?;
    let recovery = match (stop, rto_ms) {
        (Some(stop), rto_ms) => RecoveryTime::Step { stop, rto_ms },
        (None, Some(rto_ms)) => RecoveryTime::Run(rto_ms),
        (None, None) => RecoveryTime::Open,
    };
    let Around { on_failure, resources, .. } = around;
    Some(Spec {
        pattern,
        recovery,
        rpo_ms,
        params,
        limits,
        resources,
        locks,
        timeout_ms,
        on_failure,
        steps,
        written,
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

/// `onFailure`, of a plan or a step.
pub(super) fn on_failure(fields: &Fields<'_>, report: &mut Report) -> Option<OnFailure> {
    let field = fields.get("onFailure")?;
    if !matches!(field.node.value, Value::Map(_)) {
        return word(field, &ON_FAILURE_WORDS, report);
    }
    let fields = Fields::read(&ON_FAILURE, field.node, &field.path, report)?;
    fields.get("undo").and_then(|field| word(field, &[("branch", OnFailure::UndoBranch)], report))
}

/// Locks of the run, which it takes before any step is done.
fn locks(field: &Field<'_>, params: &[Param], report: &mut Report) -> Vec<Template> {
    let locks = holds::locks(field, report);
    let help = "a run takes its locks when it starts, before any step is done; put the lock on a step";
    before_steps(params, "the name of a lock of the plan", help, report);
    locks
}

/// Looks at what was asked about by fields that are no step's.
fn before_steps(params: &[Param], place: &str, help: &str, report: &mut Report) {
    for ask in report.take_asks() {
        match &ask.what {
            What::Param(name) => {
                if let Some(fault) = links::no_param(name, params) {
                    report.add_about(&ask, fault);
                }
            }
            what => {
                let fault = Fault::new(format!("`{what}` cannot stand in {place}"), help);
                report.add_about(&ask, fault);
            }
        }
    }
}

fn defaults<'a>(
    spec: &Fields<'_>,
    plan: Option<&'a str>,
    named: &'a Named,
    params: &[Param],
    report: &mut Report,
) -> Around<'a> {
    let mut around = Around {
        timeout_ms: TIMEOUT_MS,
        says_timeout: false,
        region: None,
        retry: None,
        on_failure: on_failure(spec, report).unwrap_or(OnFailure::Stop),
        resources: Vec::new(),
        plan,
        named,
    };
    let Some(field) = spec.get("defaults") else { return around };
    let Some(fields) = Fields::read(&DEFAULTS, field.node, &field.path, report) else { return around };
    if let Some(timeout_ms) = fields.get("timeout").and_then(|field| duration(field, report)) {
        around.timeout_ms = timeout_ms;
        around.says_timeout = true;
    }
    around.retry = fields.get("retry").and_then(|field| retry::read(&field, report));
    around.region = fields.get("region").map(|field| region(field, report));
    before_steps(params, "a default", "write it in the steps that it is for", report);
    around
}

/// All steps with their needs resolved, and the one with which the clock stops; `None` when one of them is wrong.
fn steps(
    field: &Field<'_>,
    clock: Option<Field<'_>>,
    around: &Around<'_>,
    declared: &Declared<'_>,
    report: &mut Report,
) -> Option<(Vec<Step>, Vec<Written>, Option<StepIndex>)> {
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
    let mut outlines: Vec<Outline> = nodes.iter().map(|node| step::read(node, around, report)).collect();
    let by_name = names(field, &outlines, report);
    links::check(&field.path, &mut outlines, &by_name, declared, report);
    let stop = clock.and_then(|field| clock::stop(&field, &by_name, report));
    let written = |outline: &Outline| Written { at: outline.name_at, says_timeout: outline.says_timeout };
    let written = outlines.iter().map(written).collect();
    let steps: Option<Vec<Step>> = outlines.into_iter().map(|outline| outline.step).collect();
    Some((steps?, written, stop))
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
                let fault = Fault::new(message, "rename one of them, and the `needs` that mean it");
                report.add(&field.path.item(index).key("name"), outline.name_at, fault);
            }
            None => drop(by_name.insert(name.clone(), index)),
        }
    }
    by_name
}
