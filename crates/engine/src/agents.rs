//! The agents that the cluster knows, and what each has open.

use std::collections::BTreeMap;

use baton_plan::plan::StepIndex;
use serde::{Deserialize, Serialize};

use crate::command::{Join, Speaker};
use crate::openings::Openings;
use crate::state::Touched;
use crate::voices::Voices;

/// One agent. Whether its lease still runs is the leader's knowledge; only the lease's end is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// What it said of itself when it came last.
    pub join: Join,
    /// Its lease has not been seen to run out since.
    pub live: bool,
    /// Attempts and probes that it holds, by token.
    pub open: BTreeMap<u64, (String, StepIndex)>,
    /// Cluster time at which it came or was last missed.
    pub since_ms: u64,
    /// The most slots that it ever had: attempts granted then may outlast a smaller number.
    pub most_slots: u32,
    /// The log index of the last change to what it should be doing.
    pub changed: u64,
}

impl Agent {
    /// How many more attempts it takes.
    pub fn free_slots(&self) -> u32 {
        let open = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        self.join.slots.saturating_sub(open)
    }
}

/// All agents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Agents {
    /// By name. Whoever changes whether one is live, where it is, or what it holds, does it by [`Agents::change`].
    pub by_name: BTreeMap<String, Agent>,
    /// How often something became free that a waiting run could use: a slot, or an agent.
    pub freed: u64,
    /// Those of which the last entry changed what they should be doing, or whether they are to be talked to.
    #[serde(skip)]
    pub touched: Touched,
    #[serde(skip)]
    pub(crate) openings: Openings,
    /// How attempts name them.
    #[serde(skip)]
    pub voices: Voices,
}

/// What of it is kept.
#[derive(Deserialize)]
struct Written {
    by_name: BTreeMap<String, Agent>,
    freed: u64,
}

impl From<Written> for Agents {
    fn from(Written { by_name, freed }: Written) -> Agents {
        let openings = Openings::of(by_name.values());
        Agents { by_name, freed, touched: Touched::default(), openings, voices: Voices::default() }
    }
}

impl Agents {
    /// The live agent of the right regions with the most free slots, names deciding a tie; with `slots_needed` of zero
    /// a busy one will do.
    pub fn choose(&self, is_right: impl Fn(&str) -> bool, slots_needed: u32) -> Option<&Agent> {
        let (free, name) = self.openings.first(is_right)?;
        self.by_name.get(name).filter(|_| free >= slots_needed)
    }

    /// An agent that was not known.
    pub fn add(&mut self, agent: Agent) {
        self.openings.put(&agent);
        self.by_name.insert(agent.join.speaker.agent.clone(), agent);
    }

    /// Changes one, and with it its place among those that can be chosen.
    pub fn change<T>(&mut self, name: &str, change: impl FnOnce(&mut Agent) -> T) -> Option<T> {
        let agent = self.by_name.get_mut(name)?;
        self.openings.take(agent);
        let changed = change(agent);
        self.openings.put(agent);
        Some(changed)
    }

    /// The agent that speaks out of this very journal.
    pub fn speaking(&self, speaker: &Speaker) -> Option<&Agent> {
        self.by_name.get(&speaker.agent).filter(|agent| agent.join.speaker == *speaker)
    }

    /// What the agent should be doing is another than before.
    pub fn touch(&mut self, speaker: &Speaker, index: u64) {
        let agent = self.by_name.get_mut(&speaker.agent).filter(|agent| agent.join.speaker == *speaker);
        if let Some(agent) = agent {
            agent.changed = index;
            self.touched.0.insert(speaker.agent.clone());
        }
    }

    /// The agent holds this token from now on.
    pub fn hold(&mut self, speaker: &Speaker, token: u64, run: &str, step: StepIndex, index: u64) {
        if self.speaking(speaker).is_some() {
            self.change(&speaker.agent, |agent| agent.open.insert(token, (run.to_owned(), step)));
            self.touch(speaker, index);
        }
    }

    /// The agent holds this token no more.
    pub fn release(&mut self, speaker: &Speaker, token: u64, index: u64) {
        if self.speaking(speaker).is_some_and(|agent| agent.open.contains_key(&token)) {
            self.change(&speaker.agent, |agent| agent.open.remove(&token));
            self.touch(speaker, index);
            self.freed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(name: &str, region: &str, slots: u32) -> Agent {
        let speaker = Speaker { agent: name.into(), incarnation: "1".into() };
        let (region, host, boot) = (region.into(), String::new(), String::new());
        let join = Join { speaker, region, host, boot, slots, labels: BTreeMap::new() };
        Agent { join, live: true, open: BTreeMap::new(), since_ms: 0, most_slots: slots, changed: 0 }
    }

    fn chosen(agents: &Agents, region: &str, slots: u32) -> Option<String> {
        let agent = agents.choose(|other| region.is_empty() || other == region, slots);
        agent.map(|agent| agent.join.speaker.agent.clone())
    }

    #[test]
    fn the_most_free_slots_are_chosen_and_names_decide_a_tie() {
        let mut agents = Agents::default();
        for (name, region, slots) in [("c", "east", 2), ("b", "east", 2), ("a", "west", 1), ("d", "west", 0)]
        {
            agents.add(agent(name, region, slots));
        }
        let first = agents.by_name["b"].join.speaker.clone();
        assert_eq!(chosen(&agents, "east", 1).as_deref(), Some("b"));
        agents.hold(&first, 7, "run-1", 0, 1);
        assert_eq!(chosen(&agents, "east", 1).as_deref(), Some("c"));
        agents.change("c", |agent| agent.live = false);
        assert_eq!(chosen(&agents, "", 1).as_deref(), Some("a"), "a tie of one free slot each");
        agents.hold(&first, 8, "run-1", 1, 2);
        assert_eq!((chosen(&agents, "east", 1), chosen(&agents, "east", 0).as_deref()), (None, Some("b")));
        agents.release(&first, 7, 3);
        agents.change("b", |agent| agent.join.region = "west".into());
        assert_eq!(chosen(&agents, "east", 0), None);
        assert_eq!(agents.openings, Openings::of(agents.by_name.values()));
    }

    #[test]
    fn what_was_written_is_chosen_from_as_before() {
        let mut agents = Agents::default();
        agents.add(agent("a", "east", 2));
        let read = Agents::from(Written { by_name: agents.by_name.clone(), freed: agents.freed });
        assert_eq!((&read, chosen(&read, "east", 1).as_deref()), (&agents, Some("a")));
    }
}
