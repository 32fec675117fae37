//! What a careful colleague would say about a plan that is sound: findings, each with a code and with what to write
//! instead.

mod codes;
mod joins;
mod safety;
mod shape;
mod undo;
mod written;

use serde::Serialize;

pub use codes::{Code, codes};

use crate::check::Written;
use crate::fault::harmless;
use crate::graph::Graph;
use crate::plan::{Action, Plan, Step, StepIndex};
use crate::problem::Problem;
use crate::stack::deep;

/// One remark on a plan that is sound.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Where the step's name stands in the file, counted from 1; 0 when the plan was not read from one.
    pub line: usize,
    /// Counted from 1, in characters; 0 when the plan was not read from a file.
    pub column: usize,
    /// One of [`codes()`].
    pub code: &'static str,
    /// The step that it is about; `None` for the plan as a whole.
    pub step: Option<String>,
    /// What is noticed.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// Everything that is worth a remark, in the order of the plan.
pub fn review(plan: &Plan) -> Vec<Finding> {
    // A constant condition is found by asking it, which takes a deep stack.
    deep(|| look(plan, None)).unwrap_or_default()
}

/// The findings of a plan that was read from a file; those that are warnings join the others of the file.
pub(crate) fn divided(
    plan: &Plan,
    written: &[Written],
    warnings: Vec<Problem>,
) -> (Vec<Problem>, Vec<Finding>) {
    let found = look(plan, Some(written));
    let (warned, findings): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|finding| finding.code == undo::SHARED);
    let mut warnings = warnings;
    warnings.extend(warned.into_iter().map(|finding| warning(plan, finding)));
    warnings.sort();
    (warnings, findings)
}

/// A finding as a problem of the file.
fn warning(plan: &Plan, finding: Finding) -> Problem {
    let Finding { line, column, code, step, message, help } = finding;
    let index = plan.steps.iter().position(|known| Some(&known.name) == step.as_ref());
    let path = index.map_or("spec".to_owned(), |index| format!("spec.steps[{index}]"));
    Problem { line, column, path, code: Some(code), message, help }
}

fn look(plan: &Plan, written: Option<&[Written]>) -> Vec<Finding> {
    let mut look = Look { plan, graph: Graph::of(plan), written, findings: Vec::new() };
    safety::look(&mut look);
    written::look(&mut look);
    shape::look(&mut look);
    joins::look(&mut look);
    undo::look(&mut look);
    look.findings.sort();
    look.findings
}

/// A plan under review.
struct Look<'a> {
    plan: &'a Plan,
    graph: Graph,
    /// What the file says of each step that the plan does not keep.
    written: Option<&'a [Written]>,
    findings: Vec<Finding>,
}

impl<'a> Look<'a> {
    fn steps(&self) -> impl Iterator<Item = (StepIndex, &'a Step)> + use<'a> {
        self.plan.steps.iter().enumerate()
    }

    /// Something about a step, or about the plan.
    fn note(&mut self, code: &'static str, step: Option<StepIndex>, message: String, help: String) {
        let place = self.written.map(|written| match step {
            Some(index) => written[index].at,
            None => crate::document::Position::START,
        });
        self.findings.push(Finding {
            line: place.map_or(0, |place| place.line),
            column: place.map_or(0, |place| place.column),
            code,
            step: step.map(|index| self.plan.steps[index].name.clone()),
            message: harmless(&message),
            help: harmless(&help),
        });
    }

    /// For every step, whether one of those upstream of it is `wanted`.
    fn has_upstream(&self, wanted: impl Fn(&Step) -> bool) -> Vec<bool> {
        let mut has = vec![false; self.plan.steps.len()];
        for index in self.graph.order() {
            let needs = &self.plan.steps[*index].needs;
            has[*index] = needs.iter().any(|need| has[*need] || wanted(&self.plan.steps[*need]));
        }
        has
    }
}

/// Whether an agent does it.
fn is_by_agent(step: &Step) -> bool {
    match step.work.action {
        Action::Command(_) | Action::WaitUntil { .. } | Action::WaitStable { .. } => true,
        Action::Noop => step.region.is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
