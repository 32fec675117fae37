use std::collections::BTreeSet;

use baton_plan::plan::StepIndex;

use crate::command::{Answer, Reply, Request, Speaker};
use crate::event::Event;
use crate::regions::Lost;
use crate::rejection::Rejection;
use crate::stamp::Moment;
use crate::state::{Freed, State};
use crate::step::{Attempt, Outcome, Status};
use crate::turn::Turn;

/// How long a person's word about a region covers agents that were still heard of when it was given, milliseconds: a
/// lease, its margin and an election fit many times. A silence that begins later is only a silence.
const WORD_HOLDS_MS: u64 = 300_000;

impl State {
    /// A region is gone for good, on a person's word: what ran there can act no more (semantics R5, G01, G02).
    pub(super) fn declare_lost(
        &mut self,
        at: Moment,
        request: &Request,
        region: &str,
        reason: &str,
    ) -> Reply {
        if !baton_plan::params::is_region(region) {
            return Err(Rejection::Invalid(format!(
                "`{region}` is not the name of a region: use lower-case letters, digits and dashes"
            )));
        }
        if reason.trim().is_empty() {
            return Err(Rejection::Invalid("a decision needs a reason; give it with `--reason`".into()));
        }
        self.is_known(region)?;
        let (operator, reason) = (request.operator.clone(), reason.to_owned());
        self.lost.insert(region.to_owned(), Lost { operator, reason, at });
        self.give_up_hearing_there(region);
        let active: Vec<_> = self.active.iter().cloned().collect();
        for run in active {
            self.turn(at, &run, |turn| turn.hear_of_loss(region));
        }
        self.settle_reckoning(at);
        Ok(Answer::Done)
    }

    /// What its agents did in the time that a restore has lost will not be told.
    fn give_up_hearing_there(&mut self, region: &str) {
        let there = self.agents.by_name.values().filter(|agent| agent.join.region == region);
        let names: Vec<_> = there.map(|agent| agent.join.speaker.agent.clone()).collect();
        for name in names {
            self.give_up_hearing(&name, region);
        }
    }

    /// Nobody means a region that no agent was ever in and no step asks for: a slip of the hand.
    fn is_known(&self, region: &str) -> Result<(), Rejection> {
        let agents = self.agents.by_name.values().map(|agent| agent.join.region.as_str());
        let runs = self.active.iter().flat_map(|id| &self.runs[id].steps);
        let asked = runs.filter_map(|state| state.region.as_deref());
        let known: BTreeSet<_> = agents.chain(asked).collect();
        if known.contains(region) {
            return Ok(());
        }
        let known: Vec<_> = known.into_iter().collect();
        Err(Rejection::NotFound(format!(
            "no agent was ever in region `{region}`, and no run has a step there; the regions are {}",
            known.join(", ")
        )))
    }

    /// A region that was declared lost takes part again.
    pub(super) fn restore_region(
        &mut self,
        at: Moment,
        request: &Request,
        region: &str,
        reason: &str,
    ) -> Reply {
        if self.lost.remove(region).is_none() {
            return Err(Rejection::Refused(format!("region `{region}` was not declared lost")));
        }
        let active: Vec<_> = self.active.iter().cloned().collect();
        for run in active {
            let (region, operator) = (region.to_owned(), request.operator.clone());
            let event = Event::RegionRestored { region, operator, reason: reason.to_owned() };
            self.turn(at, &run, |turn| turn.record(event));
        }
        self.settle_starved(at, Freed::Anything);
        Ok(Answer::Done)
    }
}

impl Turn<'_> {
    /// Every run under way keeps in its record that the region is gone, and draws from it what it proves.
    fn hear_of_loss(&mut self, region: &str) {
        let Some(lost) = self.lost.get(region) else { return };
        let (operator, reason) = (lost.operator.clone(), lost.reason.clone());
        let there = self.agents.by_name.values().filter(|agent| agent.live && agent.join.region == region);
        let answering = there.map(|agent| agent.join.speaker.agent.clone()).collect();
        self.record(Event::RegionLost { region: region.to_owned(), operator, reason, answering });
        let open: Vec<_> = self.run.open.iter().copied().collect();
        for index in open {
            self.forget_question_there(index, region);
            let attempt = self.run.steps[index].attempt().filter(|attempt| attempt.is_under_way());
            // What still answers is not gone yet, whatever was said: its lease must run out first.
            // What has not begun is provably not started (R2), and goes at once.
            let gone = |attempt: &&Attempt| {
                self.was_there(index, &attempt.speaker, region)
                    && (attempt.begun.is_none() || !self.answers(&attempt.speaker))
            };
            if attempt.filter(gone).is_some() {
                self.attempt_lost(index, region);
            }
        }
    }

    fn answers(&self, speaker: &Speaker) -> bool {
        let known = self.agents.by_name.get(&speaker.agent);
        known.is_some_and(|agent| agent.live && agent.join.speaker == *speaker)
    }

    /// An agent falls silent whose region was declared lost shortly before: now it is gone as well.
    pub(super) fn hear_of_earlier_loss(&mut self, index: StepIndex, speaker: &Speaker) {
        let region = self.agents.by_name.get(&speaker.agent).map(|agent| agent.join.region.clone());
        let Some(region) = region else { return };
        let said = self.lost.get(&region).map(|lost| lost.at.stamp.time_ms);
        if said.is_some_and(|said_ms| self.now_ms().saturating_sub(said_ms) <= WORD_HOLDS_MS) {
            self.attempt_lost(index, &region);
        }
    }

    /// Whether an attempt's or a probe's agent is, or was when it was known last, in the region.
    fn was_there(&self, index: StepIndex, speaker: &Speaker, region: &str) -> bool {
        let known = self.agents.by_name.get(&speaker.agent).filter(|agent| agent.join.speaker == *speaker);
        let place = known.map(|agent| agent.join.region.as_str());
        place.or(self.run.steps[index].region.as_deref()) == Some(region)
    }

    /// A probe that was being asked there will not be answered; one that could not be asked there, or could not tell
    /// from there, is asked from another region.
    fn forget_question_there(&mut self, index: StepIndex, region: &str) {
        let state = &self.run.steps[index];
        let Some(asked) = state.question.clone() else { return };
        let in_doubt = state.status == Status::InDoubt;
        if (asked.answer.is_none() || in_doubt) && self.was_there(index, &asked.speaker, region) {
            self.state(index).question = None;
            self.agents.release(&asked.speaker, asked.token, self.at.index);
        }
    }

    /// The attempt can act no more: it never began, or it has ended and its outcome is not known.
    fn attempt_lost(&mut self, index: StepIndex, region: &str) {
        let Some(attempt) = self.attempt(index) else { return };
        if attempt.begun.is_none() {
            return self.withdraw(index, "its region was declared lost before it began");
        }
        (attempt.gone, attempt.lapsed) = (true, false);
        let (number, speaker, token) = (attempt.number, Speaker::clone(&attempt.speaker), attempt.token);
        self.end_attempt(index, Outcome::Unknown, Some(format!("region {region} was declared lost")));
        self.agents.release(&speaker, token, self.at.index);
        let step = self.name(index);
        let direction = self.run.steps[index].direction;
        self.record(Event::AttemptLost { step, attempt: number, agent: speaker.agent, direction });
    }
}
