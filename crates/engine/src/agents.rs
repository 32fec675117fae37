//! The agents that the cluster knows, and what each has open.

use std::collections::BTreeMap;

use baton_plan::plan::StepIndex;
use serde::{Deserialize, Serialize};

use crate::command::{Join, Speaker};
use crate::state::Touched;

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
pub struct Agents {
    /// By name.
    pub by_name: BTreeMap<String, Agent>,
    /// How often something became free that a waiting run could use: a slot, or an agent.
    pub freed: u64,
    /// Those of which the last entry changed what they should be doing, or whether they are to be talked to.
    #[serde(skip)]
    pub touched: Touched,
}

impl Agents {
    /// The live agent of the right regions with the most free slots, names deciding a tie; with `slots_needed` of zero
    /// a busy one will do.
    pub fn choose(&self, is_right: impl Fn(&str) -> bool, slots_needed: u32) -> Option<&Agent> {
        let live = self.by_name.values().filter(|agent| agent.live && is_right(&agent.join.region));
        live.filter(|agent| agent.free_slots() >= slots_needed).max_by(|a, b| {
            let by_slots = a.free_slots().cmp(&b.free_slots());
            by_slots.then_with(|| b.join.speaker.agent.cmp(&a.join.speaker.agent))
        })
    }

    /// The agent that speaks out of this very journal.
    pub fn speaking(&mut self, speaker: &Speaker) -> Option<&mut Agent> {
        self.by_name.get_mut(&speaker.agent).filter(|agent| agent.join.speaker == *speaker)
    }

    /// What the agent should be doing is another than before.
    pub fn touch(&mut self, speaker: &Speaker, index: u64) {
        if let Some(agent) = self.speaking(speaker) {
            agent.changed = index;
            self.touched.0.insert(speaker.agent.clone());
        }
    }

    /// The agent holds this token from now on.
    pub fn hold(&mut self, speaker: &Speaker, token: u64, run: &str, step: StepIndex, index: u64) {
        if let Some(agent) = self.speaking(speaker) {
            agent.open.insert(token, (run.to_owned(), step));
            self.touch(speaker, index);
        }
    }

    /// The agent holds this token no more.
    pub fn release(&mut self, speaker: &Speaker, token: u64, index: u64) {
        if let Some(agent) = self.speaking(speaker)
            && agent.open.remove(&token).is_some()
        {
            self.touch(speaker, index);
            self.freed += 1;
        }
    }
}
