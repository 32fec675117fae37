//! Who has a slot free, by region and with the most slots first: a step finds its agent among thousands without looking at
//! them all. Read off the agents, and so neither written nor replicated by itself.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::agents::Agent;

/// Live agents in the order in which they are chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Openings(BTreeMap<String, BTreeSet<Opening>>);

/// The most slots first, names deciding a tie.
type Opening = (Reverse<u32>, String);

impl Openings {
    /// As these agents are.
    pub(crate) fn of<'a>(agents: impl IntoIterator<Item = &'a Agent>) -> Openings {
        let mut openings = Openings::default();
        agents.into_iter().for_each(|agent| openings.put(agent));
        openings
    }

    /// Takes an agent in, as it is now, if it is live.
    pub(crate) fn put(&mut self, agent: &Agent) {
        if agent.live {
            let region = self.0.entry(agent.join.region.clone()).or_default();
            region.insert(opening(agent));
        }
    }

    /// Takes an agent out, which has not been changed since it was put in.
    pub(crate) fn take(&mut self, agent: &Agent) {
        let Some(region) = self.0.get_mut(&agent.join.region) else { return };
        region.remove(&opening(agent));
        if region.is_empty() {
            self.0.remove(&agent.join.region);
        }
    }

    /// The first of all in the right regions, and how many slots it has free.
    pub(crate) fn first(&self, is_right: impl Fn(&str) -> bool) -> Option<(u32, &str)> {
        let regions = self.0.iter().filter(|(region, _)| is_right(region));
        let (Reverse(free), name) = regions.filter_map(|(_, openings)| openings.first()).min()?;
        Some((*free, name))
    }
}

fn opening(agent: &Agent) -> Opening {
    (Reverse(agent.free_slots()), agent.join.speaker.agent.clone())
}
