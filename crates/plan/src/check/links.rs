//! What only all steps together can answer: needs that name a step, no cycles, and references that reach their step.

use std::collections::{BTreeMap, BTreeSet};

use super::asks::{Ask, What};
use super::given;
use super::report::{Path, Report};
use super::step::Outline;
use crate::fault::{Fault, shortened};
use crate::graph::{Graph, cycles};
use crate::nearest::suggestion;
use crate::plan::{Param, StepIndex};

/// What the plan says of itself around its steps.
pub(super) struct Declared<'a> {
    pub(super) params: &'a [Param],
    /// Those of `rto` and `rpo` that it has.
    pub(super) objectives: &'a [&'a str],
}

type ByName = BTreeMap<String, StepIndex>;

pub(super) fn check(
    steps: &Path<'_>,
    outlines: &mut [Outline],
    by_name: &ByName,
    declared: &Declared<'_>,
    report: &mut Report,
) {
    let needs: Vec<Vec<StepIndex>> = outlines
        .iter()
        .enumerate()
        .map(|(index, outline)| resolve(&steps.item(index), index, outline, by_name, report))
        .collect();
    for (outline, needs) in outlines.iter_mut().zip(&needs) {
        if let Some(step) = &mut outline.step {
            step.needs.clone_from(needs);
        }
    }
    let circles = cycles(&needs);
    for circle in &circles {
        circle_found(steps, circle, outlines, report);
    }
    let graph = circles.is_empty().then(|| Graph::build(needs, &vec![0; outlines.len()]));
    references(steps, outlines, graph.as_ref(), by_name, declared, report);
}

/// The steps that one needs, by their place in the plan.
fn resolve(
    step: &Path<'_>,
    index: StepIndex,
    outline: &Outline,
    by_name: &ByName,
    report: &mut Report,
) -> Vec<StepIndex> {
    let mut seen = BTreeSet::new();
    for (position, (name, at)) in outline.needs.iter().enumerate() {
        let needs = step.key("needs");
        let path = needs.item(position);
        match by_name.get(name) {
            None if report.is_full() => report.count(),
            None => report.add(&path, *at, no_step(name, by_name)),
            Some(need) if *need == index && outline.name.as_ref() == Some(name) => {
                report.add(
                    &path,
                    *at,
                    Fault::new(format!("the step needs itself: {name} → {name}"), "remove it"),
                );
            }
            Some(need) if !seen.insert(*need) => {
                report.add(
                    &path,
                    *at,
                    Fault::new(format!("`{name}` is listed twice"), "remove one of the two"),
                );
            }
            Some(_) => {}
        }
    }
    let named = outline.needs.iter().filter_map(|(name, _)| by_name.get(name).copied());
    let mut kept = BTreeSet::new();
    named.filter(|need| *need != index && kept.insert(*need)).collect()
}

pub(super) fn no_step(name: &str, by_name: &ByName) -> Fault {
    let message = format!("there is no step `{}`", shortened(name));
    Fault::new(message, suggestion(name, "the steps are", by_name.keys().map(String::as_str)))
}

fn circle_found(steps: &Path<'_>, circle: &[StepIndex], outlines: &[Outline], report: &mut Report) {
    let name = |index: &StepIndex| outlines[*index].name.as_deref().unwrap_or("?");
    let mut names: Vec<&str> = circle.iter().map(name).collect();
    let length = names.len();
    if length > 12 {
        names.splice(6..length - 5, ["…"]);
    }
    names.extend(circle.first().map(name));
    let Some(first) = circle.first() else { return };
    // The place of the need that points on from the first step, so that the mark stands at a link of the circle.
    let next = name(circle.get(1).unwrap_or(first));
    let at = outlines[*first]
        .needs
        .iter()
        .find(|(need, _)| need == next)
        .map_or(outlines[*first].name_at, |(_, at)| *at);
    let message = format!("these {length} steps wait for one another: {}", names.join(" → "));
    let fault = Fault::new(message, "each needs the one that follows; remove one of these needs");
    report.add(&steps.item(*first).key("needs"), at, fault);
}

fn references(
    steps: &Path<'_>,
    outlines: &[Outline],
    graph: Option<&Graph>,
    by_name: &ByName,
    declared: &Declared<'_>,
    report: &mut Report,
) {
    let mut pairs = Vec::new();
    for (index, outline) in outlines.iter().enumerate() {
        given::check(&steps.item(index), outline, declared.params, report);
        for ask in &outline.asks {
            match &ask.what {
                What::Param(name) => {
                    if let Some(fault) = no_param(name, declared.params) {
                        report.add_about(ask, fault);
                    }
                }
                What::Objective(name) if !declared.objectives.contains(&name.as_str()) => {
                    report.add_about(ask, no_objective(name));
                }
                What::Objective(_) => {}
                What::Item if !outline.has_items => report.add_about(ask, no_items()),
                What::Item => {}
                What::Status(name) | What::Output(name, _) => match by_name.get(name) {
                    None if report.is_full() => report.count(),
                    None => report.add_about(ask, no_step(name, by_name)),
                    // What is undone was done, so its own outputs are there.
                    Some(asked) if *asked == index && ask.in_undo => {}
                    Some(asked) if *asked == index => report.add_about(ask, itself(ask)),
                    Some(asked) if is_output_of_child(ask, &outlines[*asked]) => {
                        report.add_about(ask, no_outputs(name));
                    }
                    Some(asked) => pairs.push(((*asked, index), ask, name)),
                },
            }
        }
    }
    if let Some(graph) = graph {
        upstream(&pairs, graph, report);
    }
}

type Pair<'a> = ((StepIndex, StepIndex), &'a Ask, &'a String);

fn upstream(pairs: &[Pair<'_>], graph: &Graph, report: &mut Report) {
    let questions: Vec<_> = pairs.iter().map(|(pair, ..)| *pair).collect();
    let answers = graph.are_upstream(&questions);
    for ((_, ask, name), _) in pairs.iter().zip(answers).filter(|(_, is_upstream)| !is_upstream) {
        let message = format!(
            "the step asks about `{name}`, which is not upstream of it, so there may be no answer yet"
        );
        report.add_about(ask, Fault::new(message, format!("add `{name}` to its `needs`")));
    }
}

fn no_objective(name: &str) -> Fault {
    Fault::new(
        format!("the plan has no objective `{name}`"),
        format!("say under `spec.objectives` what it is, as in `objectives: {{{name}: 30s}}`"),
    )
}

fn no_items() -> Fault {
    Fault::new(
        "`${item}` means nothing here, as the step has no `forEach`",
        "add `forEach` with the items, or write the value out",
    )
}

fn itself(ask: &Ask) -> Fault {
    let message =
        format!("the step asks for `{}`, which is there only once the step itself is done", ask.what);
    Fault::new(
        message,
        "ask for it in a step that needs this one, or in its `undo`; `success` reads the answer as `exit_code`, `stdout` and `outputs`",
    )
}

fn is_output_of_child(ask: &Ask, asked: &Outline) -> bool {
    asked.is_child && matches!(ask.what, What::Output(..))
}

fn no_outputs(name: &str) -> Fault {
    let message = format!("`{name}` is a child plan, and in this version a child plan has no outputs");
    let help =
        format!("let a step of this plan find the value out; how it ended is `steps[\"{name}\"].status`");
    Fault::new(message, help)
}

/// What is wrong with the name of a parameter that there is not.
pub(super) fn no_param(name: &str, params: &[Param]) -> Option<Fault> {
    if params.iter().any(|param| param.name == name) {
        return None;
    }
    let names = params.iter().map(|param| param.name.as_str());
    let help = match params.is_empty() {
        true => "declare it under `spec.params`, with its `type`".to_owned(),
        false => suggestion(name, "the parameters are", names),
    };
    Some(Fault::new(format!("there is no parameter `{}`", shortened(name)), help))
}
