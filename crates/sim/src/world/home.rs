//! An agent's start on its data folder, by the rules of `agent/src/home.rs`: a memory that can be trusted, or a new
//! identity after everything that the old one left has been ended.

use baton_agent::journal::{Fact, Facts};

use super::World;
use super::place::{Disk, Journal, Place};
use crate::marks::Mark;
use crate::sabotage::Sabotage;

impl World {
    pub(super) fn recover(&mut self, place: usize) -> Journal {
        let known = self.places[place].disk.journal.clone();
        if let Some(journal) = known.filter(|journal| !has_lost(&self.places[place], &journal.facts)) {
            self.clear_leftovers(place, &journal.facts);
            return journal;
        }
        if !self.places[place].supervisors.is_empty() || self.has_open(place) {
            self.hit(Mark::A08);
        }
        let facts = self.end_predecessors(place);
        let number = self.number();
        let keeps = self.is_sabotaged(Sabotage::EmptyFolderKeepsIdentity);
        let incarnation = match keeps {
            true => format!("journal of {}", self.places[place].name),
            false => format!("journal {number}"),
        };
        let journal = Journal { incarnation, facts };
        self.places[place].disk.journal = Some(journal.clone());
        journal
    }

    fn has_open(&self, place: usize) -> bool {
        let agent = self.book.state.agents.by_name.get(&self.places[place].name);
        agent.is_some_and(|agent| agent.join.host == self.places[place].host && !agent.open.is_empty())
    }

    /// Ends what earlier agents on this folder left on this machine, and keeps the ends that are on disk.
    fn end_predecessors(&mut self, place: usize) -> Facts {
        let mut facts = Facts::default();
        let seen = &mut self.places[place];
        seen.supervisors.clear();
        seen.children.clear();
        for report in seen.disk.folders.values().filter_map(|folder| folder.exit.clone()) {
            if !report.probe {
                facts.absorb(Fact::Finished(report));
            }
        }
        seen.disk.folders.retain(|_, folder| folder.exit.is_some());
        facts
    }

    fn clear_leftovers(&mut self, place: usize, facts: &Facts) {
        let seen = &mut self.places[place];
        let unknown = |token: &u64| !facts.open.contains_key(token);
        let tokens: Vec<u64> = seen.disk.folders.keys().copied().filter(unknown).collect();
        for token in tokens {
            seen.supervisors.remove(&token);
            seen.children.remove(&token);
            seen.disk.folders.remove(&token);
        }
    }

    /// The folder, or only the journal in it, is gone.
    pub(crate) fn lose(&mut self, place: usize, whole: bool) {
        self.stop_agent(place, false);
        self.note(|| format!("place {place} loses its {}", if whole { "folder" } else { "journal" }));
        match whole {
            true => self.places[place].disk = Disk::default(),
            false => self.places[place].disk.journal = None,
        }
    }
}

/// An attempt that acted and of which the journal says nothing: the journal has been cut.
fn has_lost(place: &Place, facts: &Facts) -> bool {
    place.disk.folders.iter().any(|(token, folder)| {
        let acted = folder.executing || folder.exit.is_some();
        if facts.open.contains_key(token) || !acted {
            return false;
        }
        let explained = folder.assignment.as_ref().is_some_and(|assignment| {
            assignment.probe || facts.newest.of(&assignment.key).is_some_and(|newest| newest >= *token)
        });
        !explained
    })
}
