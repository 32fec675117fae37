//! Joins on the critical path that make a short way wait for a long one.

use super::Look;
use super::codes::SLOW_JOIN;
use crate::duration::written;
use crate::graph::{Graph, estimate_ms};
use crate::plan::{Action, Step, StepIndex};

/// The most joins whose removal is worked out: each takes a pass over the graph, and nobody mends more at once.
const MAX_JOINS: usize = 20;

pub(super) fn look(look: &mut Look<'_>) {
    let ends = look.graph.ends_ms(look.plan.steps.iter().map(estimate_ms));
    let path = look.graph.critical_path();
    let total_ms = total(&look.graph, &path);
    let joins = path
        .into_iter()
        .filter(|index| is_join(&look.plan.steps[*index]) && look.graph.dependents(*index).len() > 1);
    // The most that could be saved, if no other way is longer.
    let most = |index| total_ms.saturating_sub(unjoined(index, look, &ends));
    let mut joins: Vec<_> = joins.map(|index| (most(index), index)).filter(|(most, _)| *most > 0).collect();
    joins.sort_unstable_by(|a, b| b.cmp(a));
    for (most_ms, index) in joins.into_iter().take(MAX_JOINS) {
        let saving_ms = most_ms.min(total_ms.saturating_sub(without(index, look)));
        if saving_ms > 0 {
            slow(index, saving_ms, look);
        }
    }
}

/// A step that does nothing but wait for all of several others.
fn is_join(step: &Step) -> bool {
    let waits_for_all = match &step.work.action {
        Action::Noop => step.region.is_none(),
        Action::Barrier(barrier) => barrier.at_least as usize == step.needs.len(),
        _ => false,
    };
    waits_for_all && step.needs.len() > 1
}

/// The longest way through a join when each step after it needs but one of those before it, and each of those is needed:
/// the longest before with the shortest after, and the other way round.
fn unjoined(join: StepIndex, look: &Look<'_>, ends: &[u64]) -> u64 {
    let before = || look.plan.steps[join].needs.iter().map(|need| ends[*need]);
    let after = || look.graph.dependents(join).iter().map(|dependent| look.graph.remaining_ms(*dependent));
    let sum = |a: Option<u64>, b: Option<u64>| a.unwrap_or(0).saturating_add(b.unwrap_or(0));
    sum(before().max(), after().min()).max(sum(before().min(), after().max()))
}

/// How long the plan takes by all ways that do not lead through a join.
fn without(join: StepIndex, look: &Look<'_>) -> u64 {
    let others = |step: &Step| step.needs.iter().copied().filter(|need| *need != join).collect();
    let mut needs: Vec<Vec<StepIndex>> = look.plan.steps.iter().map(others).collect();
    let mut lasts: Vec<u64> = look.plan.steps.iter().map(estimate_ms).collect();
    needs[join].clear();
    lasts[join] = 0;
    let graph = Graph::build(needs, &lasts);
    total(&graph, &graph.critical_path())
}

fn total(graph: &Graph, path: &[StepIndex]) -> u64 {
    path.first().map_or(0, |first| graph.remaining_ms(*first))
}

fn slow(index: StepIndex, saving_ms: u64, look: &mut Look<'_>) {
    let step = &look.plan.steps[index];
    let message = format!(
        "`{}` makes each of the {} steps after it wait for all {} before it, which by the estimates costs up to {} on the critical path",
        step.name,
        look.graph.dependents(index).len(),
        step.needs.len(),
        written(saving_ms)
    );
    let help =
        format!("remove `{}`, and let each step after it need only those that it depends on", step.name);
    look.note(SLOW_JOIN, Some(index), message, help);
}
