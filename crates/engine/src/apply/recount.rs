use crate::command::{Answer, AttemptKey, Reply, Speaker};
use crate::event::Event;
use crate::reckoning::Evidence;
use crate::rejection::Rejection;
use crate::scope;
use crate::stamp::Moment;
use crate::state::State;
use crate::step::Outcome;

impl State {
    /// An agent tells what its journal holds, and what it remembers of attempts that are over.
    pub(super) fn recount(
        &mut self,
        at: Moment,
        speaker: &Speaker,
        held: &[AttemptKey],
        over: &[AttemptKey],
    ) -> Reply {
        let Some(agent) = self.agents.speaking(speaker) else {
            return Err(Rejection::NotCurrent(format!(
                "agent `{}` has not joined out of this journal",
                speaker.agent
            )));
        };
        let (region, host) = (agent.join.region.clone(), agent.join.host.clone());
        if !self.reckoning.wants(speaker) {
            return Ok(Answer::Done);
        }
        // Whatever the epoch is worth: no token that an agent has seen is given out again.
        let newest = held.iter().chain(over).map(|key| key.token).max();
        self.tokens = self.tokens.max(newest.unwrap_or(0));
        for (key, held) in held.iter().map(|key| (key, true)).chain(over.iter().map(|key| (key, false))) {
            self.hear(at, key, held, speaker, &host);
        }
        let missed = self.reckoning.unheard.get(&speaker.agent);
        if missed.is_some_and(|incarnation| *incarnation != speaker.incarnation) {
            self.give_up_hearing(&speaker.agent, &region);
        }
        self.reckoning.unheard.remove(&speaker.agent);
        self.reckoning.heard.insert(speaker.clone());
        self.settle_reckoning(at);
        Ok(Answer::Done)
    }

    /// One attempt that an agent tells of.
    fn hear(&mut self, at: Moment, key: &AttemptKey, held: bool, speaker: &Speaker, host: &str) {
        let Some(run) = self.runs.get(&key.run).filter(|run| run.number <= self.reckoning.runs) else {
            return;
        };
        let index = scope::find(run, &self.plans, &key.step);
        let attempts = index.map_or(&[][..], |index| &run.steps[index].attempts);
        if attempts.iter().any(|attempt| attempt.token == key.token) {
            let awaited = |index: &usize| {
                let newest = run.steps[*index].attempt().filter(|attempt| attempt.token == key.token);
                !held && newest.is_some_and(|attempt| attempt.is_under_way() && *attempt.speaker == *speaker)
            };
            if let Some(index) = index.filter(awaited) {
                self.turn(at, &key.run, |turn| turn.told_elsewhere(index));
            }
            return;
        }
        if key.token <= self.reckoning.before {
            return;
        }
        let place = (key.run.clone(), key.step.clone());
        if self.reckoning.evidence.get(&place).is_some_and(|known| known.token >= key.token) {
            return;
        }
        let evidence = Evidence {
            token: key.token,
            speaker: speaker.clone(),
            host: host.to_owned(),
            held,
            ending: None,
        };
        self.reckoning.evidence.insert(place, evidence);
        let (step, agent) = (key.step.clone(), speaker.agent.clone());
        let event = Event::EvidenceHeard { step, agent, token: key.token, held };
        self.turn(at, &key.run, |turn| turn.record(event));
    }
}

impl crate::turn::Turn<'_> {
    /// The attempt is over, and how it ended was acknowledged by the cluster that was lost.
    fn told_elsewhere(&mut self, index: usize) {
        let Some(attempt) = self.attempt(index) else { return };
        (attempt.gone, attempt.lapsed) = (true, false);
        let (speaker, token) = (Speaker::clone(&attempt.speaker), attempt.token);
        let reason = "how it ended was told in the time that was lost".to_owned();
        let (step, attempt) = self.end_attempt(index, Outcome::Unknown, Some(reason.clone()));
        self.agents.release(&speaker, token, self.at.index);
        self.let_go_of_question(index);
        let direction = self.run.steps[index].direction;
        let (outcome, exit_code, reason) = (Outcome::Unknown, None, Some(reason));
        self.record(Event::AttemptEnded { step, attempt, outcome, exit_code, reason, direction });
    }
}
