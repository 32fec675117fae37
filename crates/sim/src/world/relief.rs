//! Faults that last for a while, and their ends.

use std::collections::BTreeMap;

use super::links::Line;
use super::{Happening, World};
use crate::marks::Mark;

/// Who stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Frozen {
    Member(usize),
    Machine(usize),
    Agent(usize),
    Attempt(usize, u64),
}

/// How often each was frozen.
pub(crate) type Freezes = BTreeMap<Frozen, u32>;

/// A fault ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Relief {
    Thaw(Frozen),
    Mend(Line),
    StartMember(usize),
    StartAgent(usize),
    Boot(usize),
    RemoveCopy(usize),
}

impl World {
    pub(crate) fn is_member_frozen(&self, member: usize) -> bool {
        self.is_still(Frozen::Member(member))
    }

    pub(crate) fn is_still(&self, whom: Frozen) -> bool {
        self.frozen.contains_key(&whom)
    }

    /// Who would have to move for this to happen, and cannot.
    pub(super) fn is_frozen(&self, happening: &Happening) -> Option<Frozen> {
        if self.frozen.is_empty() {
            return None;
        }
        let of_place = |place: usize| Frozen::Machine(self.places[place].machine);
        let whom = match happening {
            Happening::Raft { to, .. } => [Some(Frozen::Member(*to)), None],
            Happening::Member { member, .. } | Happening::Up { member, .. } => {
                [Some(Frozen::Member(*member)), None]
            }
            Happening::Down { place, .. } | Happening::Agent { place, .. } => {
                [Some(Frozen::Agent(*place)), Some(of_place(*place))]
            }
            Happening::Attempt { place, token, .. } | Happening::Child { place, token, .. } => {
                [Some(Frozen::Attempt(*place, *token)), Some(of_place(*place))]
            }
            _ => [None, None],
        };
        whom.into_iter().flatten().find(|one| self.frozen.contains_key(one))
    }

    pub(crate) fn freeze(&mut self, whom: Frozen, ms: u64) {
        self.note(|| format!("{whom:?} freezes for {ms} ms"));
        let count = self.frozen.entry(whom).or_default();
        *count += 1;
        if *count == 1 {
            self.order_freeze(whom, true);
        }
        self.note_freeze(whom);
        self.after(ms, Happening::Relief(Relief::Thaw(whom)));
    }

    fn thaw(&mut self, whom: Frozen) {
        let Some(count) = self.frozen.get_mut(&whom) else { return };
        *count -= 1;
        if *count > 0 {
            return;
        }
        self.frozen.remove(&whom);
        self.order_freeze(whom, false);
        self.note(|| format!("{whom:?} thaws"));
        if let Frozen::Member(member) = whom
            && self.members[member].leads()
            && self.acting().is_some_and(|acting| acting != member)
        {
            self.hit(Mark::Z05);
        }
        for happening in self.stalled.remove(&whom).unwrap_or_default() {
            self.at(self.now, happening);
        }
    }

    pub(super) fn relieve(&mut self, relief: Relief) {
        match relief {
            Relief::Thaw(whom) => self.thaw(whom),
            Relief::Mend(line) => self.mend(line),
            Relief::StartMember(member) => self.start_member(member),
            Relief::StartAgent(place) => self.start_agent(place),
            Relief::Boot(machine) => self.boot(machine),
            Relief::RemoveCopy(place) => self.remove_copy(place),
        }
    }

    /// Every fault ends at once.
    pub(crate) fn relieve_all(&mut self) {
        let frozen: Vec<Frozen> = self.frozen.keys().copied().collect();
        for whom in frozen {
            self.frozen.insert(whom, 1);
            self.thaw(whom);
        }
        self.mend_all();
        (0..self.members.len()).for_each(|member| self.start_member(member));
        for place in 0..self.places.len() {
            if self.places[place].is_copy {
                self.remove_copy(place);
            }
        }
        (0..self.machines.len()).for_each(|machine| self.boot(machine));
        (0..self.places.len()).for_each(|place| self.start_agent(place));
    }
}
