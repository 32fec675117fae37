//! What only all steps together can answer: needs that name a step, no cycles, and references that reach their step.

use std::collections::{BTreeMap, BTreeSet};

use super::asks::{Ask, What};
use super::report::{Path, Report};
use super::step::Outline;
use crate::document::Position;
use crate::fault::{Fault, shortened};
use crate::graph::{Graph, cycles};
use crate::nearest::suggestion;
use crate::plan::{Param, ParamKind, StepIndex};
use crate::reference::Reference;

type ByName = BTreeMap<String, StepIndex>;

pub(super) fn check(
    steps: &Path<'_>,
    outlines: &mut [Outline],
    by_name: &ByName,
    params: &[Param],
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
    references(steps, outlines, graph.as_ref(), by_name, params, report);
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

fn no_step(name: &str, by_name: &ByName) -> Fault {
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
    params: &[Param],
    report: &mut Report,
) {
    let mut pairs = Vec::new();
    for (index, outline) in outlines.iter().enumerate() {
        region_kind(&steps.item(index), outline, params, report);
        for ask in &outline.asks {
            let step = steps.item(index);
            let path = step.key(&ask.place);
            match &ask.what {
                What::Param(name) => param_exists(&path, ask.at, name, params, report),
                What::Step(name) => match by_name.get(name) {
                    Some(asked) => pairs.push(((*asked, index), ask)),
                    None if report.is_full() => report.count(),
                    None => report.add(&path, ask.at, no_step(name, by_name)),
                },
            }
        }
    }
    if let Some(graph) = graph {
        upstream(steps, &pairs, graph, report);
    }
}

fn upstream(steps: &Path<'_>, pairs: &[((StepIndex, StepIndex), &Ask)], graph: &Graph, report: &mut Report) {
    let questions: Vec<_> = pairs.iter().map(|(pair, _)| *pair).collect();
    for (((_, index), ask), is_upstream) in pairs.iter().zip(graph.are_upstream(&questions)) {
        if let (What::Step(name), false) = (&ask.what, is_upstream) {
            let message = format!(
                "the step asks about `{name}`, which is not upstream of it, so there may be no answer yet"
            );
            let fault = Fault::new(message, format!("add `{name}` to its `needs`"));
            report.add(&steps.item(*index).key(&ask.place), ask.at, fault);
        }
    }
}

pub(super) fn param_exists(path: &Path<'_>, at: Position, name: &str, params: &[Param], report: &mut Report) {
    if params.iter().all(|param| param.name != name) {
        let message = format!("there is no parameter `{}`", shortened(name));
        let names = params.iter().map(|param| param.name.as_str());
        let help = match params.is_empty() {
            true => "declare it under `spec.params`, with its `type`".to_owned(),
            false => suggestion(name, "the parameters are", names),
        };
        report.add(path, at, Fault::new(message, help));
    }
}

/// A region that is given as any text is only found wrong when the run is under way.
fn region_kind(step: &Path<'_>, outline: &Outline, params: &[Param], report: &mut Report) {
    let Some(region) = outline.step.as_ref().and_then(|step| step.region.as_ref()) else { return };
    let mut references = region.references();
    let (Some(Reference::Param(name)), None) = (references.next(), references.next()) else { return };
    if region.to_string() != format!("${{params.{name}}}") {
        return;
    }
    if params.iter().any(|param| param.name == *name && param.kind != ParamKind::Region) {
        let at = outline.asks.iter().find(|ask| ask.place == "region").map_or(outline.name_at, |ask| ask.at);
        let message = format!("parameter `{name}` gives a region, and its type is not `region`");
        let fault = Fault::new(
            message,
            format!("declare `{name}: {{type: region}}`, so that its value is checked before the run starts"),
        );
        report.warn(&step.key("region"), at, fault);
    }
}
