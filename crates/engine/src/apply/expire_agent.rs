use std::collections::{BTreeMap, BTreeSet};

use crate::command::{Answer, Reply, Speaker};
use crate::event::Event;
use crate::stamp::Moment;
use crate::state::{Freed, State};
use crate::turn::Turn;

impl State {
    /// An agent's lease has run out. That proves nothing about what it began (semantics R5); what
    /// it has not begun is taken back and may be granted elsewhere at once (R2).
    pub(super) fn expire_agent(&mut self, at: Moment, speaker: &Speaker) -> Reply {
        let Some(agent) = self.agents.speaking(speaker).filter(|agent| agent.live) else {
            return Ok(Answer::Done);
        };
        let mut held: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (run, index) in agent.open.values().cloned() {
            held.entry(run).or_default().insert(index);
        }
        self.agents.change(&speaker.agent, |agent| (agent.live, agent.since_ms) = (false, at.stamp.time_ms));
        self.agents.touched.0.insert(speaker.agent.clone());
        // All that a run had with the agent is taken back before anything of it is granted elsewhere.
        for (run, steps) in held {
            self.turn(at, &run, |turn| steps.iter().for_each(|index| turn.agent_lost(*index, speaker)));
        }
        self.settle_starved(at, Freed::Anything);
        Ok(Answer::Done)
    }
}

impl Turn<'_> {
    fn agent_lost(&mut self, index: usize, speaker: &Speaker) {
        let state = self.state(index);
        if let Some(asked) =
            state.question.take_if(|asked| asked.speaker == *speaker && asked.answer.is_none())
        {
            self.agents.release(speaker, asked.token, self.at.index);
        }
        let Some(attempt) = self.attempt(index) else { return };
        if *attempt.speaker != *speaker || !attempt.is_under_way() {
            return;
        }
        if attempt.begun.is_none() {
            return self.withdraw(index, "its agent fell silent before it began");
        }
        attempt.lapsed = true;
        let (number, agent) = (attempt.number, speaker.agent.clone());
        let step = self.name(index);
        let direction = self.run.steps[index].direction;
        self.record(Event::AttemptLapsed { step, attempt: number, agent, direction });
        self.hear_of_earlier_loss(index, speaker);
    }
}
