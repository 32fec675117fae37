//! What a plan says of a step.

use super::work::work;
use super::{List, json, kind_word, on_failure, texts};
use crate::duration::written;
use crate::plan::{Draw, ForEach, Items, Plan, Step, Uses};

pub(super) fn list(plan: &Plan, step: &Step, list: &mut List) {
    let needs: Vec<_> = step.needs.iter().map(|need| plan.steps[*need].name.clone()).collect();
    list.says("description", step.description.clone());
    list.says("owner", step.owner.clone());
    list.says("needs", (!needs.is_empty()).then(|| needs.join(", ")));
    list.says("region", step.region.as_ref().map(ToString::to_string));
    list.says("elsewhere", (step.elsewhere == step.optional).then(|| step.elsewhere.to_string()));
    list.says("uses", step.uses.as_ref().map(uses));
    for binding in &step.with {
        let value = binding.value.to_string();
        list.says(format!("with.{} ({})", binding.name, kind_word(binding.kind)), Some(value));
    }
    work("", &step.work, list);
    if let Some(undo) = &step.undo {
        work("undo.", undo, list);
    }
    list.says("when", step.when.as_ref().map(|when| when.source().to_owned()));
    list.says("optional", step.optional.then(|| "true".to_owned()));
    list.says("estimate", step.estimate_ms.map(written));
    list.says("onFailure", Some(on_failure(step.on_failure).to_owned()));
    list.says("draws", draws(&step.draws));
    list.says("locks", texts(&step.locks));
    if let Some(for_each) = &step.for_each {
        fan_out(for_each, list);
    }
    let modes: Vec<_> = step.modes.iter().map(|mode| mode.word()).collect();
    list.says("modes", (!modes.is_empty()).then(|| modes.join(", ")));
    for variant in &step.variants {
        let prefix = format!("inMode.{}.", variant.setting.word());
        work(&prefix, &variant.work, list);
        list.says(format!("{prefix}optional"), variant.optional.then(|| "true".to_owned()));
    }
}

fn uses(uses: &Uses) -> String {
    format!("{}@{}", uses.name, uses.version)
}

fn draws(draws: &[Draw]) -> Option<String> {
    let draws: Vec<_> = draws.iter().map(|draw| format!("{}: {}", draw.resource, draw.units)).collect();
    (!draws.is_empty()).then(|| draws.join(", "))
}

fn fan_out(for_each: &ForEach, list: &mut List) {
    let items = match &for_each.items {
        Items::List(items) => json(&items.iter().map(ToString::to_string).collect::<Vec<_>>()),
        Items::Text(text) => format!("text {text}"),
    };
    list.says("forEach.items", Some(items));
    list.says("forEach.parallel", for_each.parallel.map(|most| most.to_string()));
    list.says("forEach.atLeast", for_each.at_least.map(|least| least.to_string()));
}
