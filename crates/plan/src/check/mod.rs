//! From the file as it was written to a plan that cannot be wrong, or to everything that is wrong with it.
//!
//! One file a subject: `header` (what the file is), `spec` and its `clock`, `param` and its `bounds`; `step`, which is either written out
//! or made from a step template (`uses`), with its `action` (`people`, `kinds`), its `work`, its `modes` and what it
//! `holds`, and whether all of that does `fit`; `links`, which asks what only the whole can answer: cycles, and references
//! that reach their step (`given`: of the type that is needed). `step_template` is the other kind of file.

mod action;
mod around;
mod asks;
mod bounds;
mod clock;
mod fields;
mod fit;
mod given;
mod header;
mod holds;
mod kinds;
mod links;
mod lists;
mod modes;
mod named;
mod native;
mod param;
mod people;
mod report;
mod retry;
mod spec;
mod step;
mod step_template;
mod texts;
mod uses;
mod values;
mod work;

pub(crate) use retry::ONCE;
pub(crate) use spec::{TIMEOUT_MS, Written};

use fields::Fields;
use header::Kind;
use named::Named;
use report::{Path, Report};

use crate::catalogue::builtin;
use crate::document::{self, MAX_BYTES, Node, Position, Value};
use crate::fault::{Fault, harmless};
use crate::keys::{PLAN, STEP_TEMPLATE};
use crate::plan::Plan;
use crate::problem::Problem;
use crate::review::{self, Finding};
use crate::stack::deep;
use crate::template::{Catalogue, StepTemplate};

/// A plan that is sound, and what is odd about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The plan.
    pub plan: Plan,
    /// What is allowed but looks like a mistake, in the order of the file.
    pub warnings: Vec<Problem>,
    /// What a reviewer would say besides, in the order of the file.
    pub findings: Vec<Finding>,
}

/// What a file describes, when it is sound.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, taken apart at once")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Described {
    /// A plan.
    Plan(Checked),
    /// A step template.
    StepTemplate {
        /// The step template.
        template: StepTemplate,
        /// What is allowed but looks like a mistake, in the order of the file.
        warnings: Vec<Problem>,
    },
}

/// Reads a plan from YAML or JSON; step templates are those that come with the binary.
///
/// # Errors
/// All problems of the file in its order (100 at most); when it is not YAML at all, the first place where it is not.
pub fn check(source: &str) -> Result<Checked, Vec<Problem>> {
    match read(source, Some(Kind::Plan), Some(builtin()))? {
        Described::Plan(checked) => Ok(checked),
        Described::StepTemplate { .. } => Err(vec![defect()]),
    }
}

/// [`check`] for bytes that may not be text.
///
/// # Errors
/// As [`check`]; and where the bytes stop being UTF-8.
pub fn check_bytes(bytes: &[u8]) -> Result<Checked, Vec<Problem>> {
    check(utf8(bytes)?)
}

/// Reads a plan or a step template; a plan may use the step templates of the catalogue.
///
/// # Errors
/// As [`check`].
pub fn check_document(source: &str, catalogue: &dyn Catalogue) -> Result<Described, Vec<Problem>> {
    read(source, None, Some(catalogue))
}

/// [`check_document`] for bytes that may not be text.
///
/// # Errors
/// As [`check_bytes`].
pub fn check_document_bytes(bytes: &[u8], catalogue: &dyn Catalogue) -> Result<Described, Vec<Problem>> {
    check_document(utf8(bytes)?, catalogue)
}

/// A step template by itself.
pub(crate) fn step_template(source: &str) -> Result<StepTemplate, Vec<Problem>> {
    match read(source, Some(Kind::StepTemplate), None)? {
        Described::StepTemplate { template, .. } => Ok(template),
        Described::Plan(_) => Err(vec![defect()]),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Vec<Problem>> {
    let error = match std::str::from_utf8(bytes) {
        Ok(source) => return Ok(source),
        Err(error) => error,
    };
    let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    let message = "the file is not UTF-8 text from here on";
    Err(vec![alone(
        Position { line, column },
        Fault::new(message, "save it as UTF-8; is it the right file?"),
    )])
}

fn alone(at: Position, fault: Fault) -> Problem {
    Problem {
        line: at.line,
        column: at.column,
        path: String::new(),
        code: None,
        message: harmless(&fault.message),
        help: harmless(&fault.help),
    }
}

/// A file of the wanted kind, or of either. Without a catalogue no step template can be named.
fn read(
    source: &str,
    wanted: Option<Kind>,
    catalogue: Option<&dyn Catalogue>,
) -> Result<Described, Vec<Problem>> {
    let whole = |message: String, help: &str| Err(vec![alone(Position::START, Fault::new(message, help))]);
    if source.len() > MAX_BYTES {
        let message = format!("the file is {} bytes long, and {MAX_BYTES} is the most", source.len());
        return whole(message, "split the plan, and keep data out of it");
    }
    // What is read goes down a deep stack, on a thread of its own; the catalogue is asked here, by its owner.
    let defective = |message| whole(message, "nothing was changed");
    let parsed = deep(|| document::parse(source).map_err(|(at, fault)| vec![alone(at, fault)]));
    let document = match parsed {
        Ok(document) => document?,
        Err(message) => return defective(message),
    };
    let named = catalogue.map(|catalogue| Named::of(&document, catalogue)).unwrap_or_default();
    deep(|| described(&document, wanted, &named)).unwrap_or_else(defective)
}

fn described(document: &Node, wanted: Option<Kind>, named: &Named) -> Result<Described, Vec<Problem>> {
    let mut report = Report::default();
    let Some((top, kind)) = top(document, wanted, &mut report) else {
        report.finish()?;
        return Err(vec![defect()]);
    };
    match kind {
        Kind::Plan => {
            let read = plan(&top, named, &mut report);
            let warnings = report.finish()?;
            let (plan, written) = read.ok_or_else(|| vec![defect()])?;
            let (warnings, findings) = review::divided(&plan, &written, warnings);
            Ok(Described::Plan(Checked { plan, warnings, findings }))
        }
        Kind::StepTemplate => {
            let template = step_template::read(&top, &mut report);
            let warnings = report.finish()?;
            let template = template.ok_or_else(|| vec![defect()])?;
            Ok(Described::StepTemplate { template, warnings })
        }
    }
}

/// What is read is only missing when a problem says why, so this sentence is for a defect of ours.
fn defect() -> Problem {
    alone(Position::START, Fault::new("the file could not be read", "please report it with the file"))
}

/// The keys of the file, when it is ours, and what it describes.
fn top<'a>(document: &'a Node, wanted: Option<Kind>, report: &mut Report) -> Option<(Fields<'a>, Kind)> {
    if matches!(document.value, Value::Null) {
        let help = "a plan starts with `apiVersion: baton/v1`, `kind: Plan`, `metadata` and `spec`";
        report.add(&Path::Top, document.at, Fault::new("the file is empty", help));
        return None;
    }
    let kind = header::kind(document);
    let object = match kind {
        Kind::Plan => &PLAN,
        Kind::StepTemplate => &STEP_TEMPLATE,
    };
    let top = Fields::read(object, document, &Path::Top, report)?;
    header::is_ours(&top, wanted, report).then_some((top, kind))
}

fn plan(top: &Fields<'_>, named: &Named, report: &mut Report) -> Option<(Plan, Vec<Written>)> {
    let metadata = top.get("metadata").and_then(|field| header::metadata(&field, report));
    let name = metadata.as_ref().map(|metadata| metadata.name.as_str());
    let spec = top.get("spec").and_then(|field| spec::read(&field, name, named, report));
    let (metadata, spec) = (metadata?, spec?);
    let plan = Plan {
        name: metadata.name,
        owner: metadata.owner,
        description: metadata.description,
        labels: metadata.labels,
        pattern: spec.pattern,
        recovery: spec.recovery,
        rpo_ms: spec.rpo_ms,
        params: spec.params,
        limits: spec.limits,
        resources: spec.resources,
        locks: spec.locks,
        timeout_ms: spec.timeout_ms,
        on_failure: spec.on_failure,
        steps: spec.steps,
    };
    Some((plan, spec.written))
}
