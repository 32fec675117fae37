//! The agent's hand on its supervisors, by the rules of `agent/src/keeper.rs`.

use baton_agent::attempt::{Assignment, Key, Outcome, Report};
use baton_agent::ledger::{Event, Seen};

use super::World;
use super::agent::Inner;
use super::supervisor::{Phase, Supervisor};
use crate::sabotage::Sabotage;

impl World {
    pub(super) fn launch(&mut self, place: usize, assignment: Assignment) {
        let token = assignment.key.token;
        let key = assignment.key.clone();
        if self.places[place].supervisors.contains_key(&token) {
            return self.bury_because(place, key, "its supervisor could not be started");
        }
        let folder = self.places[place].disk.folders.entry(token).or_default();
        folder.assignment = Some(assignment.clone());
        let life = self.number();
        self.places[place].supervisors.insert(token, Supervisor::new(life, assignment));
        let ms = self.between(1, 8, ("supervisor", place, token));
        self.in_supervisor(place, token, ms, Phase::Identify);
    }

    /// Watches a supervisor that an earlier agent started.
    pub(super) fn adopt(&mut self, place: usize, token: u64) {
        if !self.places[place].supervisors.contains_key(&token) {
            self.inner(place, 1, Inner::Notice(token));
        }
    }

    pub(super) fn bury(&mut self, place: usize, key: Key) {
        self.bury_because(place, key, "its supervisor ended before the action started");
    }

    fn bury_because(&mut self, place: usize, key: Key, reason: &str) {
        let token = key.token;
        if self.is_kept(place, token) {
            return;
        }
        let folder = self.places[place].disk.folders.entry(token).or_default();
        if folder.exit.is_some() || folder.executing {
            return self.inner(place, 500, Inner::Notice(token));
        }
        folder.buried = true;
        self.ended(place, Report::bare(key, Outcome::NotStarted, reason));
    }

    pub(super) fn sweep(&mut self, place: usize, key: Key) {
        if self.is_kept(place, key.token) {
            return;
        }
        if !self.is_sabotaged(Sabotage::SkipSweep) {
            self.places[place].children.remove(&key.token);
        }
        let folder = self.places[place].disk.folders.entry(key.token).or_default();
        folder.buried = true;
        let reason = "its supervisor died while it ran; what it left has been ended";
        self.ended(place, Report::bare(key, Outcome::Unknown, reason));
    }

    /// Somebody still keeps the attempt: it is looked at again.
    fn is_kept(&mut self, place: usize, token: u64) -> bool {
        let kept = self.places[place].supervisors.contains_key(&token);
        if kept {
            let seen = Seen { locked: true, ..Seen::default() };
            self.hear_event(place, Event::Seen { token, seen });
        }
        kept
    }

    pub(super) fn tell_to_end(&mut self, place: usize, token: u64, reason: String) {
        self.places[place].disk.folders.entry(token).or_default().stop = Some(reason);
        if self.places[place].supervisors.contains_key(&token) {
            self.in_supervisor(place, token, 1, Phase::Interrupt);
        }
    }
}
