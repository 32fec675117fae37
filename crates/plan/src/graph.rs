//! The shape of a plan: who waits for whom, what comes first, and how long is still to go.

use std::collections::BTreeMap;

use crate::plan::{Action, ForEach, Items, Plan, Step, StepIndex};

/// How long a step is taken to last when nobody said, milliseconds.
pub const DEFAULT_ESTIMATE_MS: u64 = 1000;

/// The steps of a plan as a directed graph without cycles. Building it is linear in steps and needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    needs: Vec<Vec<StepIndex>>,
    dependents: Vec<Vec<StepIndex>>,
    order: Vec<StepIndex>,
    remaining_ms: Vec<u64>,
}

impl Graph {
    /// The graph of a checked plan.
    pub fn of(plan: &Plan) -> Self {
        let needs = plan.steps.iter().map(|step| step.needs.clone()).collect();
        let lasts: Vec<u64> = plan.steps.iter().map(estimate_ms).collect();
        Self::build(needs, &lasts)
    }

    pub(crate) fn build(needs: Vec<Vec<StepIndex>>, lasts_ms: &[u64]) -> Self {
        let mut dependents = vec![Vec::new(); needs.len()];
        for (index, needed) in needs.iter().enumerate() {
            for need in needed {
                dependents[*need].push(index);
            }
        }
        let order = sorted(&needs, &dependents);
        let mut remaining_ms = vec![0; needs.len()];
        for index in order.iter().rev() {
            let after = dependents[*index].iter().map(|dependent| remaining_ms[*dependent]).max();
            remaining_ms[*index] = lasts_ms[*index].saturating_add(after.unwrap_or(0));
        }
        Self { needs, dependents, order, remaining_ms }
    }

    /// The steps that need this one, in the plan's order.
    pub fn dependents(&self, index: StepIndex) -> &[StepIndex] {
        &self.dependents[index]
    }

    /// Every step after all that it needs; among those that are free, in the plan's order by level.
    pub fn order(&self) -> &[StepIndex] {
        &self.order
    }

    /// The longest way from the start of this step to the end of the plan by the estimates, milliseconds.
    pub fn remaining_ms(&self, index: StepIndex) -> u64 {
        self.remaining_ms[index]
    }

    /// For every step, the longest way from the start of the plan to the step's end, milliseconds.
    pub(crate) fn ends_ms(&self, lasts_ms: impl Iterator<Item = u64>) -> Vec<u64> {
        let mut ends_ms: Vec<u64> = lasts_ms.collect();
        for index in &self.order {
            let before = self.needs[*index].iter().map(|need| ends_ms[*need]).max();
            ends_ms[*index] = ends_ms[*index].saturating_add(before.unwrap_or(0));
        }
        ends_ms
    }

    /// The longest way through the plan; no run can be faster. Empty when there is no step.
    pub fn critical_path(&self) -> Vec<StepIndex> {
        let roots = (0..self.needs.len()).filter(|index| self.needs[*index].is_empty());
        let mut path: Vec<StepIndex> = self.longest(roots).into_iter().collect();
        while let Some(next) =
            path.last().and_then(|last| self.longest(self.dependents[*last].iter().copied()))
        {
            path.push(next);
        }
        path
    }

    fn longest(&self, steps: impl Iterator<Item = StepIndex>) -> Option<StepIndex> {
        steps.min_by_key(|index| (std::cmp::Reverse(self.remaining_ms[*index]), *index))
    }

    /// Whether `step` must be done before `index` may start, directly or through others.
    pub fn is_upstream(&self, step: StepIndex, index: StepIndex) -> bool {
        self.are_upstream(&[(step, index)])[0]
    }

    /// [`Self::is_upstream`] for many pairs at once: one pass over the graph for every 64 different first steps.
    pub fn are_upstream(&self, pairs: &[(StepIndex, StepIndex)]) -> Vec<bool> {
        let mut found: Vec<bool> =
            pairs.iter().map(|(step, index)| self.needs[*index].contains(step)).collect();
        let mut open: BTreeMap<StepIndex, Vec<usize>> = BTreeMap::new();
        for (pair, _) in found.iter().enumerate().filter(|(_, found)| !**found) {
            open.entry(pairs[pair].0).or_default().push(pair);
        }
        let open: Vec<_> = open.into_iter().collect();
        for batch in open.chunks(64) {
            let above = self.above(batch.iter().map(|(step, _)| *step));
            for (bit, (_, askers)) in batch.iter().enumerate() {
                for pair in askers {
                    found[*pair] = above[pairs[*pair].1] >> bit & 1 == 1;
                }
            }
        }
        found
    }

    /// For every step, whether it is downstream of one, or that one itself.
    pub(crate) fn downstream_of(&self, index: StepIndex) -> Vec<bool> {
        reach(index, &self.dependents)
    }

    /// The branch that ends in a step: the step itself and, of all that is upstream of it, what serves nothing else. Every
    /// dependent of such a step is in the branch as well, or downstream of the branch's end. In the plan's order.
    pub fn branch_of(&self, end: StepIndex) -> Vec<StepIndex> {
        let upstream = reach(end, &self.needs);
        let mut inside = reach(end, &self.dependents);
        let mut branch = vec![end];
        for index in self.order.iter().rev().filter(|index| upstream[**index] && **index != end) {
            if self.dependents[*index].iter().all(|dependent| inside[*dependent]) {
                inside[*index] = true;
                branch.push(*index);
            }
        }
        branch.sort_unstable();
        branch
    }

    /// For every step, which of the (at most 64) given ones are upstream of it, as a bit each.
    fn above(&self, steps: impl Iterator<Item = StepIndex>) -> Vec<u64> {
        let mut own = vec![0_u64; self.needs.len()];
        for (bit, step) in steps.enumerate() {
            own[step] |= 1 << bit;
        }
        let mut above = vec![0_u64; self.needs.len()];
        for index in &self.order {
            above[*index] = self.needs[*index].iter().fold(0, |bits, need| bits | above[*need] | own[*need]);
        }
        above
    }
}

/// Whether each step can be reached from one over the given links, itself included.
fn reach(from: StepIndex, links: &[Vec<StepIndex>]) -> Vec<bool> {
    let mut found = vec![false; links.len()];
    found[from] = true;
    let mut open = vec![from];
    while let Some(index) = open.pop() {
        for next in &links[index] {
            if !std::mem::replace(&mut found[*next], true) {
                open.push(*next);
            }
        }
    }
    found
}

/// How long a step is taken to last, milliseconds: of a fan-out over a written list, all of its items.
pub fn estimate_ms(step: &Step) -> u64 {
    let natural = match step.work.action {
        Action::WaitFor(wait_ms) => wait_ms,
        Action::Gate(_) | Action::Barrier(_) => 0,
        Action::Noop if step.region.is_none() => 0,
        _ => DEFAULT_ESTIMATE_MS,
    };
    step.estimate_ms.unwrap_or(natural).saturating_mul(step.for_each.as_ref().map_or(1, rounds))
}

/// How often as many items as may be under way at once are begun.
fn rounds(for_each: &ForEach) -> u64 {
    match (&for_each.items, for_each.parallel) {
        (Items::List(items), Some(parallel)) => (items.len() as u64).div_ceil(u64::from(parallel)),
        _ => 1,
    }
}

/// Kahn's algorithm; steps on a cycle, and those behind one, are left out.
fn sorted(needs: &[Vec<StepIndex>], dependents: &[Vec<StepIndex>]) -> Vec<StepIndex> {
    let mut waiting_for: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut order: Vec<StepIndex> = (0..needs.len()).filter(|index| needs[*index].is_empty()).collect();
    let mut next = 0;
    while let Some(index) = order.get(next).copied() {
        next += 1;
        for dependent in &dependents[index] {
            waiting_for[*dependent] -= 1;
            if waiting_for[*dependent] == 0 {
                order.push(*dependent);
            }
        }
    }
    order
}

/// The cycles of a graph that has some, each from its first step on in the direction of the needs. Cycles that
/// share a step with one that is listed may be left out: mending the one shows the next.
pub(crate) fn cycles(needs: &[Vec<StepIndex>]) -> Vec<Vec<StepIndex>> {
    let graph = Graph::build(needs.to_vec(), &vec![0; needs.len()]);
    let mut stuck = vec![true; needs.len()];
    graph.order.iter().for_each(|index| stuck[*index] = false);
    // Every stuck step needs another stuck one; following the first of them must end in a circle.
    let mut walk_of = vec![usize::MAX; needs.len()];
    let mut found = Vec::new();
    for start in (0..needs.len()).filter(|index| stuck[*index]) {
        let (mut walk, mut at) = (Vec::new(), start);
        while walk_of[at] == usize::MAX {
            walk_of[at] = start;
            walk.push(at);
            at = needs[at].iter().copied().find(|need| stuck[*need]).unwrap_or(at);
        }
        if walk_of[at] == start {
            let entry = walk.iter().position(|step| *step == at).unwrap_or(0);
            let mut circle = walk.split_off(entry);
            let first = (0..circle.len()).min_by_key(|position| circle[*position]).unwrap_or(0);
            circle.rotate_left(first);
            found.push(circle);
        }
    }
    found
}

#[cfg(test)]
mod tests;
