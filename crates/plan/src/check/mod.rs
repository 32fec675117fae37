//! From the file as it was written to a plan that cannot be wrong, or to everything that is wrong with it.
//!
//! One file a subject: `header` (what the file is), `spec`, `param`, `step`, `action`, `retry`, and `links`, which
//! asks what only the whole can answer: cycles, and references that reach their step.

mod action;
mod asks;
mod fields;
mod header;
mod links;
mod param;
mod report;
mod retry;
mod spec;
mod step;
mod values;

use fields::Fields;
use report::{Path, Report};

use crate::document::{self, MAX_BYTES, Node, Position, Value};
use crate::fault::{Fault, harmless};
use crate::keys::PLAN;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::stack::deep;

/// A plan that is sound, and what is odd about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The plan.
    pub plan: Plan,
    /// What is allowed but looks like a mistake, in the order of the file.
    pub warnings: Vec<Problem>,
}

/// Reads a plan from YAML or JSON.
///
/// # Errors
/// All problems of the file in its order (100 at most); when it is not YAML at all, the first place where it is not.
pub fn check(source: &str) -> Result<Checked, Vec<Problem>> {
    let whole = |message: String, help: &str| Err(vec![alone(Position::START, Fault::new(message, help))]);
    if source.len() > MAX_BYTES {
        let message = format!("the file is {} bytes long, and {MAX_BYTES} is the most", source.len());
        return whole(message, "split the plan, and keep data out of it");
    }
    deep(|| read(source)).unwrap_or_else(|message| whole(message, "nothing was changed"))
}

/// [`check`] for bytes that may not be text.
///
/// # Errors
/// As [`check`]; and where the bytes stop being UTF-8.
pub fn check_bytes(bytes: &[u8]) -> Result<Checked, Vec<Problem>> {
    let error = match std::str::from_utf8(bytes) {
        Ok(source) => return check(source),
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
        message: harmless(&fault.message),
        help: harmless(&fault.help),
    }
}

fn read(source: &str) -> Result<Checked, Vec<Problem>> {
    let document = document::parse(source).map_err(|(at, fault)| vec![alone(at, fault)])?;
    let mut report = Report::default();
    let plan = plan(&document, &mut report);
    let warnings = report.finish()?;
    // A plan is only missing when a problem says why, so this sentence is for a defect of ours.
    let defect = || {
        vec![alone(
            Position::START,
            Fault::new("the plan could not be read", "please report it with the file"),
        )]
    };
    Ok(Checked { plan: plan.ok_or_else(defect)?, warnings })
}

fn plan(document: &Node, report: &mut Report) -> Option<Plan> {
    if matches!(document.value, Value::Null) {
        let help = "a plan starts with `apiVersion: baton/v1`, `kind: Plan`, `metadata` and `spec`";
        report.add(&Path::Top, document.at, Fault::new("the file is empty", help));
        return None;
    }
    let top = Fields::read(&PLAN, document, &Path::Top, report)?;
    if !header::is_ours(&top, report) {
        return None;
    }
    let metadata = top.get("metadata").and_then(|field| header::metadata(&field, report));
    let spec = top.get("spec").and_then(|field| spec::read(&field, report));
    let (metadata, spec) = (metadata?, spec?);
    Some(Plan {
        name: metadata.name,
        owner: metadata.owner,
        description: metadata.description,
        labels: metadata.labels,
        pattern: spec.pattern,
        rto_ms: spec.rto_ms,
        rpo_ms: spec.rpo_ms,
        params: spec.params,
        limits: spec.limits,
        steps: spec.steps,
    })
}
