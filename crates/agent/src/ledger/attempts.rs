//! The attempts that an agent knows. There may be thousands, and it hears of one at a time: those that wait, those that
//! hold a slot and those of one step are found without looking at the others.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use super::Decision;
use super::stage::{Stage, action_hash};
use crate::attempt::{Action, Assignment, Key, Report, StepOfRun};
use crate::journal::Open;

/// One attempt. Its stage is changed by [`Attempts::turn_to`] alone, which keeps the books of it.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) key: Key,
    pub(super) probe: bool,
    pub(super) idempotent: bool,
    pub(super) action_hash: Option<u64>,
    pub(super) journaled: bool,
    /// It was once running, or may have been: one that does nothing never is.
    pub(super) has_folder: bool,
    pub(super) stop: Option<String>,
    pub(super) asked_ns: u64,
    stage: Stage,
}

/// All attempts, by token.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    by_token: BTreeMap<u64, Attempt>,
    by_step: BTreeMap<StepOfRun, BTreeSet<u64>>,
    books: Books,
    /// How many were looked at, for the tests that count it.
    #[cfg(test)]
    pub(super) looked_at: std::cell::Cell<usize>,
}

/// Who waits, and who has what others wait for.
#[derive(Debug, Default)]
struct Books {
    /// Those that wait and need no slot.
    waiting: BTreeSet<u64>,
    waiting_for_slot: BTreeSet<u64>,
    slots_taken: usize,
}

impl Attempts {
    /// Takes one in, in place of nobody: a token is given out once.
    pub(super) fn insert(&mut self, attempt: Attempt) {
        let token = attempt.key.token;
        self.by_step.entry(attempt.key.step_of_run()).or_default().insert(token);
        self.books.note(&attempt);
        self.by_token.insert(token, attempt);
    }

    /// Forgets one.
    pub(super) fn remove(&mut self, token: u64) -> Option<Attempt> {
        let attempt = self.by_token.remove(&token)?;
        self.books.strike(&attempt);
        let step = attempt.key.step_of_run();
        if let Some(tokens) = self.by_step.get_mut(&step) {
            tokens.remove(&token);
            if tokens.is_empty() {
                self.by_step.remove(&step);
            }
        }
        Some(attempt)
    }

    pub(super) fn get(&self, token: u64) -> Option<&Attempt> {
        self.look();
        self.by_token.get(&token)
    }

    pub(super) fn get_mut(&mut self, token: u64) -> Option<&mut Attempt> {
        self.look();
        self.by_token.get_mut(&token)
    }

    /// Takes an attempt to another stage.
    pub(super) fn turn_to(&mut self, token: u64, stage: Stage) {
        self.look();
        if let Some(attempt) = self.by_token.get_mut(&token) {
            self.books.strike(attempt);
            attempt.has_folder |= matches!(stage, Stage::Running { .. });
            attempt.stage = stage;
            self.books.note(attempt);
        }
    }

    /// Each of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Attempt> {
        self.by_token.values().inspect(|_| self.look())
    }

    /// The tokens of each of them.
    pub(super) fn tokens(&self) -> Vec<u64> {
        self.by_token.keys().copied().collect()
    }

    /// The tokens of those that wait and need no slot, the oldest grant first.
    pub(super) fn waiting(&self) -> Vec<u64> {
        self.books.waiting.iter().copied().collect()
    }

    /// The oldest grant that waits and needs a slot, of those after a token.
    pub(super) fn waiting_for_slot(&self, after: u64) -> Option<u64> {
        self.books.waiting_for_slot.range((Excluded(after), Unbounded)).next().copied()
    }

    /// How many slots are taken.
    pub(super) fn slots_taken(&self) -> usize {
        self.books.slots_taken
    }

    /// Those of the same step, the oldest grant first.
    pub(super) fn of_step(&self, key: &Key) -> impl Iterator<Item = &Attempt> {
        let tokens = self.by_step.get(&key.step_of_run()).into_iter().flatten();
        tokens.filter_map(|token| self.get(*token))
    }

    #[cfg(test)]
    fn look(&self) {
        self.looked_at.set(self.looked_at.get() + 1);
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "the tests count here")]
    fn look(&self) {}
}

impl Books {
    fn note(&mut self, attempt: &Attempt) {
        if let Stage::Waiting(assignment) = &attempt.stage {
            let needs_slot = !attempt.probe && assignment.action != Action::Noop;
            let waiting = if needs_slot { &mut self.waiting_for_slot } else { &mut self.waiting };
            waiting.insert(attempt.key.token);
        }
        self.slots_taken += usize::from(attempt.holds_slot());
    }

    fn strike(&mut self, attempt: &Attempt) {
        self.waiting.remove(&attempt.key.token);
        self.waiting_for_slot.remove(&attempt.key.token);
        self.slots_taken -= usize::from(attempt.holds_slot());
    }
}

impl Attempt {
    /// As the journal tells it.
    pub(super) fn restored(open: Open) -> Attempt {
        let (key, idempotent, action_hash, stage) = match open {
            Open::Started(started) => {
                let hash = Some(started.action_hash);
                let stage = Stage::Running { boot: started.boot };
                (started.key, started.idempotent, hash, stage)
            }
            Open::Finished(report) => (report.key.clone(), false, None, Stage::Finished(report)),
        };
        let (probe, journaled, has_folder, stop, asked_ns) = (false, true, true, None, 0);
        Attempt { key, probe, idempotent, action_hash, journaled, has_folder, stop, asked_ns, stage }
    }

    /// As the leader assigns it.
    pub(super) fn assigned(assignment: Assignment) -> Attempt {
        Attempt {
            key: assignment.key.clone(),
            probe: assignment.probe,
            idempotent: assignment.idempotent,
            action_hash: Some(action_hash(&assignment)),
            journaled: false,
            has_folder: false,
            stop: None,
            asked_ns: 0,
            stage: Stage::Waiting(assignment),
        }
    }

    /// One that this agent knows nothing of, and says so from `now_ns` on.
    pub(super) fn unknown(report: Report, now_ns: u64) -> Attempt {
        Attempt {
            key: report.key.clone(),
            probe: false,
            idempotent: false,
            action_hash: None,
            journaled: false,
            has_folder: true,
            stop: None,
            asked_ns: now_ns,
            stage: Stage::Finished(report),
        }
    }

    /// How far it has come.
    pub(super) fn stage(&self) -> &Stage {
        &self.stage
    }

    fn holds_slot(&self) -> bool {
        !self.probe && self.stage.holds_slot()
    }

    /// The leader sent it again: after a takeover, or because an answer was lost.
    pub(super) fn assigned_again(&mut self, new: &Assignment, now_ns: u64, out: &mut Vec<Decision>) {
        if self.action_hash.is_some_and(|hash| hash != action_hash(new)) {
            let reason = "the same token was already assigned here for something else".into();
            let key = new.key.clone();
            return out.push(Decision::Refuse { key, reason });
        }
        let decision = match &self.stage {
            Stage::Asking(assignment) => Decision::AskBegin(assignment.key.clone()),
            Stage::Finished(report) => Decision::Report(report.clone()),
            _ => return,
        };
        self.asked_ns = now_ns;
        out.push(decision);
    }
}
