//! What the whole tells: one region only, steps that can never be done, resources for nobody.

use std::collections::BTreeSet;

use super::codes::{NEVER_DRAWN, ONE_REGION, UNREACHABLE};
use super::{Look, is_by_agent};
use crate::expression::{Expression, Facts};
use crate::plan::{Action, Setting, Step, StepIndex};
use crate::reference::Reference;

pub(super) fn look(look: &mut Look<'_>) {
    regions(look);
    unreachable(look);
    resources(look);
}

fn regions(look: &mut Look<'_>) {
    let by_agent: Vec<_> = look.steps().map(|(_, step)| step).filter(|step| is_by_agent(step)).collect();
    let mut regions = by_agent.iter().map(|step| step.region.as_ref().and_then(|region| region.as_literal()));
    let Some(Some(name)) = regions.next() else { return };
    if by_agent.len() < 2 || regions.any(|other| other != Some(name)) {
        return;
    }
    let message = format!(
        "every step is done in region `{name}`; when that is the one that is lost, the plan cannot be carried out"
    );
    let help = "declare a parameter, `to: {type: region}`, and write `region: ${params.to}`";
    look.note(ONE_REGION, None, message, help.to_owned());
}

fn unreachable(look: &mut Look<'_>) {
    for (index, step) in look.steps() {
        if step.when.as_ref().is_some_and(is_never) {
            let message =
                format!("`{}` is never done: its condition does not hold, whatever the run", step.name);
            look.note(UNREACHABLE, Some(index), message, "remove the step, or mend its `when`".to_owned());
        }
        if let Action::Gate(gate) = &step.work.action
            && is_never(&gate.expression)
        {
            let message = format!(
                "`{}` never opens by itself, so what needs it waits for an override in every run",
                step.name
            );
            let help = "mend the condition; where a person is meant to decide each time, write an `approval`";
            look.note(UNREACHABLE, Some(index), message, help.to_owned());
        }
        modes(index, step, look);
    }
}

/// Whether a condition asks for nothing and does not hold.
fn is_never(condition: &Expression) -> bool {
    let source = condition.source();
    // Most conditions ask for something; only for the others is it worth while to parse them once more.
    if ["params", "steps", "run"].iter().any(|word| source.contains(word)) {
        return false;
    }
    condition.evaluate(&Facts::default()) == Ok(false)
}

/// A step that refers to what is never there in any mode in which it is done.
fn modes(index: StepIndex, step: &Step, look: &mut Look<'_>) {
    if step.modes.is_empty() {
        return;
    }
    for asked in asked(step) {
        let Some(other) = look.plan.steps.iter().find(|other| other.name == asked) else { continue };
        if !other.modes.is_empty() && !step.modes.iter().any(|mode| other.modes.contains(mode)) {
            let words =
                |modes: &[Setting]| modes.iter().map(|mode| mode.word()).collect::<Vec<_>>().join(", ");
            let message = format!(
                "`{}` asks for an output of `{asked}`, which is done only in mode {}, and is itself done only in mode {}",
                step.name,
                words(&other.modes),
                words(&step.modes)
            );
            let help =
                format!("give both a mode in common, or a step like `{asked}` for the mode of this one");
            look.note(UNREACHABLE, Some(index), message, help);
        }
    }
}

/// The steps whose outputs its command asks for.
fn asked(step: &Step) -> BTreeSet<String> {
    let mut asked = BTreeSet::new();
    for text in step.work.texts().chain(&step.region).chain(&step.locks) {
        asked.extend(text.references().filter_map(|reference| match reference {
            Reference::Output { step, .. } => Some(step.clone()),
            _ => None,
        }));
    }
    asked
}

fn resources(look: &mut Look<'_>) {
    let drawn: BTreeSet<&str> =
        look.plan.steps.iter().flat_map(|step| &step.draws).map(|draw| draw.resource.as_str()).collect();
    for resource in look.plan.resources.iter().filter(|resource| !drawn.contains(resource.name.as_str())) {
        let message = format!("no step draws on resource `{}`, so it limits nothing", resource.name);
        let help = format!("add `draws: {{{}: 1}}` to the steps that it is for, or remove it", resource.name);
        look.note(NEVER_DRAWN, None, message, help);
    }
}
