//! The steps of a run as a tree: what a fan-out or a child plan added stands below it.

use std::collections::BTreeMap;

use baton_client::view::{RunView, StepView};

/// A step and its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Branch<'a> {
    pub(crate) step: &'a StepView,
    /// How many groups it is inside of.
    pub(crate) depth: usize,
    /// Of a group: how many of its parts are done, and how many there are.
    pub(crate) parts: Option<(usize, usize)>,
}

impl Branch<'_> {
    /// The step's name, moved to its place.
    pub(crate) fn name(&self) -> String {
        format!("{}{}", "  ".repeat(self.depth), self.step.step)
    }

    /// How far a group is, such as `2 of 5 done`; on its way back, its parts say how far.
    pub(crate) fn progress(&self) -> Option<String> {
        self.parts
            .filter(|_| self.step.direction != "undo")
            .map(|(done, all)| format!("{done} of {all} done"))
    }
}

/// Every step, each group before its parts.
pub(crate) fn tree(run: &RunView) -> Vec<Branch<'_>> {
    let mut parts = BTreeMap::<&str, Vec<&StepView>>::new();
    for step in &run.steps {
        parts.entry(step.parent.as_deref().unwrap_or_default()).or_default().push(step);
    }
    let mut branches = Vec::new();
    let mut left: Vec<(usize, &StepView)> = Vec::new();
    let mut below = |name: &str, depth: usize, left: &mut Vec<_>| {
        // A group is taken once, so that not even a view that makes no sense goes round in circles.
        let steps = parts.remove(name).unwrap_or_default();
        let done = steps.iter().filter(|step| step.is_done()).count();
        left.extend(steps.iter().rev().map(|step| (depth, *step)));
        (!steps.is_empty()).then_some((done, steps.len()))
    };
    below("", 0, &mut left);
    while let Some((depth, step)) = left.pop() {
        let parts = below(&step.step, depth + 1, &mut left);
        branches.push(Branch { step, depth, parts });
    }
    branches
}

/// How a step stands, in a few words for a picture.
pub(crate) fn standing(run: &RunView, step: &StepView) -> String {
    let parts = run.steps.iter().filter(|part| part.parent.as_deref() == Some(&step.step));
    let (done, all) = parts.fold((0, 0), |(done, all), part| (done + usize::from(part.is_done()), all + 1));
    match (all, step.status.as_str()) {
        (0, status) | (_, status @ ("succeeded" | "undone")) => status.to_owned(),
        (all, status) => format!("{status}, {done} of {all}"),
    }
}
