//! Named capacities that steps draw on, across all runs of the cluster.

use std::collections::BTreeMap;

use baton_plan::plan::{Draw, StepIndex};
use serde::{Deserialize, Serialize};

/// One resource that was drawn on, or given a capacity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// The capacity that an operator set; without it, that of the drawing step's plan counts.
    pub set: Option<u32>,
    /// The capacity that the newest draw went by.
    pub capacity: u32,
    /// Units by run and step.
    pub drawn: BTreeMap<(String, StepIndex), u32>,
}

impl Resource {
    /// Units drawn in all.
    pub fn total(&self) -> u32 {
        self.drawn.values().fold(0, |sum, units| sum.saturating_add(*units))
    }
}

/// All resources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// By name.
    pub by_name: BTreeMap<String, Resource>,
    /// How often units came free that somebody could have waited for.
    pub freed: u64,
}

impl Resources {
    /// Why these units cannot be drawn now; `planned` is the plan's capacity of a resource.
    pub fn hindrance(&self, draws: &[Draw], planned: impl Fn(&str) -> u32) -> Option<String> {
        draws.iter().find_map(|draw| {
            let known = self.by_name.get(&draw.resource);
            let capacity = known.and_then(|resource| resource.set).unwrap_or_else(|| planned(&draw.resource));
            let drawn = known.map_or(0, Resource::total);
            let Draw { resource, units } = draw;
            if units.saturating_add(drawn) <= capacity {
                return None;
            }
            if *units > capacity {
                return Some(format!(
                    "it draws {units} of `{resource}`, whose capacity was set to {capacity}"
                ));
            }
            let holders: Vec<_> = known.into_iter().flat_map(|known| known.drawn.keys()).collect();
            let runs: std::collections::BTreeSet<_> = holders.iter().map(|(run, _)| run.as_str()).collect();
            let runs: Vec<_> = runs.into_iter().collect();
            Some(format!("{drawn} of {capacity} `{resource}` are drawn by {}", runs.join(", ")))
        })
    }

    /// Whether these units could not be drawn although everybody but this run gave back what it drew.
    pub fn is_used_up_by(&self, run: &str, draws: &[Draw], planned: impl Fn(&str) -> u32) -> bool {
        draws.iter().any(|Draw { resource, units }| {
            let Some(known) = self.by_name.get(resource) else { return false };
            let own = known.drawn.iter().filter(|((of, _), _)| of == run);
            let own = own.fold(0u32, |sum, (_, units)| sum.saturating_add(*units));
            own > 0 && units.saturating_add(own) > known.set.unwrap_or_else(|| planned(resource))
        })
    }

    /// Draws these units for a step.
    pub fn draw(&mut self, draws: &[Draw], planned: impl Fn(&str) -> u32, run: &str, step: StepIndex) {
        for draw in draws {
            let resource = self.by_name.entry(draw.resource.clone()).or_default();
            resource.capacity = resource.set.unwrap_or_else(|| planned(&draw.resource));
            resource.drawn.insert((run.to_owned(), step), draw.units);
        }
    }

    /// Gives back what a step drew.
    pub fn give_back(&mut self, draws: &[Draw], run: &str, step: StepIndex) {
        for draw in draws {
            let key = (run.to_owned(), step);
            if let Some(resource) = self.by_name.get_mut(&draw.resource)
                && resource.drawn.remove(&key).is_some()
            {
                self.freed += 1;
                if resource.drawn.is_empty() && resource.set.is_none() {
                    self.by_name.remove(&draw.resource);
                }
            }
        }
    }
}
