//! After a restore from a backup, or a forced new cluster: the state went back in time, the world did not. What was
//! done in the time that the state has lost is known to the agents' journals alone, so each is heard before anything
//! that must not happen twice is granted again (the matrix's C06 and G04).
//!
//! What an agent tells becomes an attempt like any other, in the place where the step would be granted: it is awaited,
//! reported, probed or parked by the machinery that there is (`doubt`).

use std::collections::{BTreeMap, BTreeSet};

use baton_plan::plan::StepIndex;
use serde::{Deserialize, Serialize};

use crate::command::{AttemptKey, Ending, Speaker};
use crate::event::Event;
use crate::grant::Hindrance;
use crate::run::Run;
use crate::stamp::Moment;
use crate::state::{Freed, State};
use crate::step::{Attempt, Outcome, Status, StepState};
use crate::turn::Turn;

/// Bits of a token that count grants; the epoch stands above them.
///
/// An epoch is a count of seconds, see [`epoch_after`]. Four million grants would have to be made within each second for
/// the count to run into an epoch that is yet to begin; and 53 bits in all, which every reader of JSON keeps, last until
/// 2094.
const COUNT_BITS: u32 = 22;

/// 2026-01-01T00:00:00Z, in Unix milliseconds.
const FIRST_SECOND_MS: i64 = 1_767_225_600_000;

/// How the reason of a step begins that waits for journals.
const WITHHELD: &str = "it waits for the journals of agents that may have done it in the time that was lost";

/// The epoch that a restore or a forced new cluster begins.
///
/// One more than the state's own would not do: the same backup may be restored twice, and the tokens of the first
/// restore, which no copy of the state remembers, would be given out again. The second in which it is done is newer than
/// the epoch of every earlier restore, as none is ready to be started before its own second is over. Should the machine's
/// clock run behind, the epoch is still newer than all that the state knows, and what agents have seen beyond that raises
/// the count when they are heard.
pub fn epoch_after(state: &State, wall_ms: i64) -> u64 {
    let seconds = u64::try_from((wall_ms - FIRST_SECOND_MS) / 1000).unwrap_or(0);
    seconds.max(state.reckoning.epoch + 1).max((state.tokens >> COUNT_BITS) + 1)
}

/// When the second of an epoch is over, in Unix milliseconds.
pub fn over_at_ms(epoch: u64) -> i64 {
    i64::try_from(epoch + 1).unwrap_or(i64::MAX / 2000).saturating_mul(1000).saturating_add(FIRST_SECOND_MS)
}

/// The token before an epoch's first.
pub(crate) fn base(epoch: u64) -> u64 {
    epoch << COUNT_BITS
}

/// What has to be heard since the newest epoch began, and what was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reckoning {
    /// 0 until a restore or a forced new cluster.
    pub epoch: u64,
    /// The last token that the state knew when the lost time began.
    pub before: u64,
    /// Runs up to this number had been started then.
    pub runs: u64,
    /// Agents that were known then and have not told what their journals hold, with their journals' ids.
    pub unheard: BTreeMap<String, String>,
    /// Journals that have been heard in this epoch.
    pub heard: BTreeSet<Speaker>,
    /// Regions in which what an agent did in the lost time will never be known, and the agent.
    pub blank: BTreeMap<String, Speaker>,
    /// What was done to steps in the lost time, by run and step, the newest of each.
    pub evidence: BTreeMap<(String, String), Evidence>,
}

/// An attempt of the lost time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Its token.
    pub token: u64,
    /// Whose.
    pub speaker: Speaker,
    /// The place where it was made.
    pub host: String,
    /// The agent's journal still holds it: it is under way, or its report comes.
    pub held: bool,
    /// Its report, where it came before the step's turn.
    pub ending: Option<Ending>,
}

impl Reckoning {
    /// Whether an agent must tell what its journal holds before it takes part.
    pub fn wants(&self, speaker: &Speaker) -> bool {
        self.epoch > 0 && !self.heard.contains(speaker)
    }

    /// Whether a token may be of the lost time: it is newer than all that the state knew.
    pub fn may_be_lost(&self, token: u64) -> bool {
        self.epoch > 0 && token > self.before && token <= base(self.epoch)
    }

    pub(crate) fn is_older(&self, run: &Run) -> bool {
        self.epoch > 0 && run.number <= self.runs
    }

    /// Nothing of the time before is to be heard or told, as far as a run goes.
    pub(crate) fn is_silent_on(&self, run: &Run) -> bool {
        !self.is_older(run) && self.evidence.is_empty() && self.unheard.is_empty()
    }

    /// Whether an attempt of the time before must wait until every journal was heard: another may have followed it.
    pub(crate) fn withholds(&self, run: &Run, attempt: &Attempt) -> bool {
        self.is_older(run)
            && !self.unheard.is_empty()
            && !attempt.idempotent
            && attempt.token <= base(self.epoch)
    }

    /// For people: whose journals are missing, and what to do if they do not come.
    pub(crate) fn text(&self) -> String {
        let names: Vec<_> = self.unheard.keys().map(String::as_str).collect();
        format!("{WITHHELD}: {}; if one is gone for good, declare its region lost", names.join(", "))
    }
}

impl State {
    /// An agent will never tell: by a person's word, or because its journal is gone.
    pub(crate) fn give_up_hearing(&mut self, agent: &str, region: &str) {
        if let Some(incarnation) = self.reckoning.unheard.remove(agent) {
            let speaker = Speaker { agent: agent.to_owned(), incarnation };
            self.reckoning.blank.insert(region.to_owned(), speaker);
        }
    }

    /// Once every journal was heard, what waited for them moves.
    pub(crate) fn settle_reckoning(&mut self, at: Moment) {
        if !self.reckoning.unheard.is_empty() {
            return;
        }
        for agent in self.agents.by_name.values_mut() {
            agent.changed = at.index;
        }
        self.agents.touched.0 = self.agents.by_name.keys().cloned().collect();
        let active: Vec<_> = self.active.iter().cloned().collect();
        for run in active {
            self.turn(at, &run, |_| ());
        }
        self.settle_starved(at, Freed::Anything);
    }

    /// A report of an attempt that the state does not know, but has heard of.
    pub(crate) fn keep_for_later(&mut self, at: Moment, key: &AttemptKey, ending: &Ending) -> bool {
        let place = (key.run.clone(), key.step.clone());
        let heard = self.reckoning.evidence.get_mut(&place).filter(|one| one.token == key.token && one.held);
        let Some(evidence) = heard else { return false };
        if evidence.ending.as_ref() != Some(ending) {
            evidence.ending = Some(ending.clone());
            let agent = evidence.speaker.agent.clone();
            let (step, attempt, outcome, exit_code) =
                (key.step.clone(), key.attempt, ending.outcome, ending.exit_code);
            let direction = Default::default();
            let event = Event::LateReport { step, attempt, agent, outcome, exit_code, direction };
            self.turn(at, &key.run, |turn| turn.record(event));
        }
        true
    }
}

/// The step was told that its attempt is not sent again yet.
pub(crate) fn is_withheld(state: &StepState) -> bool {
    state.reason.as_deref().is_some_and(|reason| reason.starts_with(WITHHELD))
}

impl Turn<'_> {
    /// An attempt that is not sent again yet says so, and why.
    pub(crate) fn say_withheld(&mut self, index: StepIndex) {
        let state = &self.run.steps[index];
        // What has lapsed has a reason of its own.
        let quiet = matches!(state.status, Status::Running | Status::Undoing);
        let waits = |one: &&Attempt| quiet && one.is_under_way() && !one.lapsed;
        let withheld = state.attempt().filter(waits).filter(|one| self.reckoning.withholds(self.run, one));
        let told = is_withheld(state);
        let reason = withheld.map(|_| self.reckoning.text());
        if (told || reason.is_some()) && state.reason != reason {
            self.state(index).reason = reason;
        }
    }

    /// A step that would be granted was perhaps done in the lost time. True when that is what its next attempt is.
    pub(crate) fn reckon(&mut self, index: StepIndex, region: &str) -> Result<bool, Hindrance> {
        if !self.reckoning.is_older(self.run) {
            return Ok(false);
        }
        let repeatable = self.work(index).idempotent;
        if !repeatable && !self.reckoning.unheard.is_empty() {
            return Err(Hindrance::Unheard(self.reckoning.text()));
        }
        let Some(evidence) = self.evidence(index).or_else(|| self.blank(index, region)) else {
            return Ok(false);
        };
        self.within_limits(index, region)?;
        self.has_units(index)?;
        self.lock(index)?;
        let held = evidence.held;
        self.adopt(index, evidence, held);
        Ok(true)
    }

    /// An attempt that is open was perhaps followed by another in the lost time.
    pub(crate) fn supersede(&mut self, index: StepIndex) {
        if self.reckoning.evidence.is_empty() || !self.reckoning.unheard.is_empty() {
            return;
        }
        let Some(evidence) = self.evidence(index) else { return };
        if let Some(attempt) = self.attempt(index) {
            // The cluster that was lost knew that this one had not acted, or it would not have granted another.
            (attempt.disproven, attempt.gone, attempt.lapsed) = (true, true, false);
        }
        self.end_attempt(
            index,
            Outcome::Unknown,
            Some("it was followed by another in the time that was lost".into()),
        );
        self.let_go(index);
        let held = evidence.held;
        self.adopt(index, evidence, held);
    }

    /// A step that is given up before it was granted was perhaps begun in the lost time. True when that must be decided.
    pub(crate) fn was_begun_in_lost_time(&mut self, index: StepIndex) -> bool {
        let state = &self.run.steps[index];
        if state.status != Status::Waiting || state.unmet > 0 {
            return false;
        }
        let Some(evidence) = self.evidence(index) else { return false };
        // Nothing is drawn for it and no limit counts it: it is only asked what became of it.
        self.adopt(index, evidence, false);
        true
    }

    /// What was heard of the step that is newer than its attempts here.
    fn evidence(&self, index: StepIndex) -> Option<Evidence> {
        if self.reckoning.evidence.is_empty() {
            return None;
        }
        let place = (self.run.id.clone(), self.name(index));
        let known = self.run.steps[index].attempt().map_or(0, |attempt| attempt.token);
        self.reckoning.evidence.get(&place).filter(|evidence| evidence.token > known).cloned()
    }

    /// What an agent did there will never be told: of what must not happen twice, it may be this.
    fn blank(&mut self, index: StepIndex, region: &str) -> Option<Evidence> {
        let granted_since =
            self.run.steps[index].attempt().is_some_and(|attempt| attempt.token > base(self.reckoning.epoch));
        if self.work(index).idempotent || granted_since {
            return None;
        }
        let speaker = self.reckoning.blank.get(region)?.clone();
        let token = self.next_token();
        Some(Evidence { token, speaker, host: String::new(), held: false, ending: None })
    }

    /// Makes an attempt of the lost time the step's newest.
    fn adopt(&mut self, index: StepIndex, evidence: Evidence, awaited: bool) {
        let Evidence { token, speaker, host, held, ending } = evidence;
        self.reckoning.evidence.remove(&(self.run.id.clone(), self.name(index)));
        let at = self.at;
        let live = self.agents.by_name.get(&speaker.agent);
        let live = live.is_some_and(|agent| agent.live && agent.join.speaker == speaker);
        let attempt = self.new_attempt(index, token, &speaker, &host);
        let (number, direction) = (attempt.number, attempt.direction);
        attempt.begun = Some(at);
        (attempt.lapsed, attempt.gone) = (awaited && !live, !held);
        if !awaited {
            (attempt.ended, attempt.outcome) = (Some(at), Some(Outcome::Unknown));
            attempt.reason = Some("it belongs to the time that was lost, and so does its end".into());
        }
        if awaited {
            self.agents.hold(&speaker, token, &self.run.id, index, at.index);
            self.draw(index);
        }
        let status = self.under_way(index);
        self.turn_to(index, status, None);
        let (step, agent) = (self.name(index), speaker.agent);
        self.record(Event::AttemptAdopted { step, attempt: number, token, agent, held, direction });
        if let Some(ending) = ending {
            self.ended(index, &ending);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_newer_than_the_state_and_than_every_earlier_restore() {
        let (mut state, now_ms) = (State::default(), FIRST_SECOND_MS + 5_000_999);
        assert_eq!(epoch_after(&state, now_ms), 5000);
        assert_eq!(
            epoch_after(&state, over_at_ms(5000)),
            5001,
            "the same copy again, when it can have been started"
        );
        assert_eq!(epoch_after(&state, 0), 1, "a clock that was never set");
        state.reckoning.epoch = 9000;
        assert_eq!(epoch_after(&state, now_ms), 9001);
        state.tokens = base(9500) + 1;
        assert_eq!(epoch_after(&state, now_ms), 9501);
        assert!(base(epoch_after(&state, now_ms)) > state.tokens);
    }
}
