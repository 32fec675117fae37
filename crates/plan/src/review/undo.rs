//! An undo of a branch that touches what somebody else relies on.

use std::collections::{BTreeMap, BTreeSet};

use super::Look;
pub(super) use super::codes::SHARED;
use crate::plan::{OnFailure, Step, StepIndex};

/// The most steps whose branch is looked at: each takes a pass over the graph.
const MAX_BRANCHES: usize = 200;

pub(super) fn look(look: &mut Look<'_>) {
    let holdings = Holdings::of(&look.plan.steps);
    if !holdings.is_any_at_risk(&look.plan.steps) {
        return;
    }
    let ends = look.steps().filter(|(_, step)| step.on_failure == OnFailure::UndoBranch);
    let ends: Vec<StepIndex> = ends.map(|(index, _)| index).take(MAX_BRANCHES).collect();
    let mut said = BTreeSet::new();
    for end in ends {
        branch(end, &holdings, &mut said, look);
    }
}

/// What steps hold while they are done: resources and locks by their number, and who holds each.
struct Holdings {
    names: Vec<String>,
    held: Vec<Vec<usize>>,
    holders: Vec<Vec<StepIndex>>,
}

impl Holdings {
    fn of(steps: &[Step]) -> Self {
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        let mut held = Vec::new();
        for step in steps {
            let resources = step.draws.iter().map(|draw| format!("resource `{}`", draw.resource));
            let names = resources.chain(step.locks.iter().map(|lock| format!("lock `{lock}`")));
            let mut number = |name| {
                let next = numbers.len();
                *numbers.entry(name).or_insert(next)
            };
            held.push(names.map(&mut number).collect::<Vec<_>>());
        }
        let mut names = vec![String::new(); numbers.len()];
        numbers.into_iter().for_each(|(name, number)| names[number] = name);
        let mut holders = vec![Vec::new(); names.len()];
        for (index, things) in held.iter().enumerate() {
            things.iter().for_each(|thing| holders[*thing].push(index));
        }
        Self { names, held, holders }
    }

    /// Whether anything is held by two steps of which one is undone.
    fn is_any_at_risk(&self, steps: &[Step]) -> bool {
        self.holders
            .iter()
            .any(|holders| holders.len() > 1 && holders.iter().any(|holder| steps[*holder].undo.is_some()))
    }
}

/// Warns once of each step and thing that the undo of a branch would touch although another step holds it too.
fn branch(end: StepIndex, holdings: &Holdings, said: &mut BTreeSet<(StepIndex, usize)>, look: &mut Look<'_>) {
    let members = look.graph.branch_of(end);
    // What comes after the step that failed was not done, so it cannot be harmed.
    let mut is_safe = look.graph.downstream_of(end);
    members.iter().for_each(|member| is_safe[*member] = true);
    let mut other_of: BTreeMap<usize, Option<StepIndex>> = BTreeMap::new();
    let steps = &look.plan.steps;
    for member in members.into_iter().filter(|member| steps[*member].undo.is_some()) {
        for thing in &holdings.held[member] {
            let holders = &holdings.holders[*thing];
            let find = || holders.iter().copied().find(|holder| !is_safe[*holder]);
            let Some(other) = *other_of.entry(*thing).or_insert_with(find) else { continue };
            if said.insert((member, *thing)) {
                let names = [end, member, other].map(|index| steps[index].name.as_str());
                shared(end, names, &holdings.names[*thing], look);
            }
        }
    }
}

fn shared(end: StepIndex, [failed, member, other]: [&str; 3], thing: &str, look: &mut Look<'_>) {
    let message = format!(
        "when `{failed}` fails, the undo of `{member}` touches {thing}, which `{other}` outside of the branch uses as well"
    );
    let help = format!(
        "give each one of its own, or let `{other}` need `{failed}`, or write `onFailure: undo` or `onFailure: pause`"
    );
    look.note(SHARED, Some(end), message, help);
}
