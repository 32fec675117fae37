//! Which messages get through. Between members a cut loses frames; a stream keeps what was said until the cut heals.

use std::collections::BTreeMap;

use super::{Happening, World};

/// One direction of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Line {
    Members { from: usize, to: usize },
    Up { place: usize, member: usize },
    Down { place: usize, member: usize },
}

/// All connections.
#[derive(Debug, Default)]
pub(crate) struct Links {
    cuts: BTreeMap<Line, u32>,
    held: Vec<Happening>,
    last: BTreeMap<Line, u64>,
}

impl Links {
    pub(crate) fn is_cut(&self, line: Line) -> bool {
        self.cuts.contains_key(&line)
    }

    pub(crate) fn is_cut_between(&self, from: usize, to: usize) -> bool {
        self.is_cut(Line::Members { from, to })
    }

    pub(crate) fn is_up(&self, place: usize, member: usize) -> bool {
        !self.is_cut(Line::Up { place, member })
    }

    pub(crate) fn is_down(&self, place: usize, member: usize) -> bool {
        !self.is_cut(Line::Down { place, member })
    }

    pub(crate) fn hold(&mut self, happening: Happening) {
        self.held.push(happening);
    }

    pub(crate) fn cut(&mut self, line: Line) {
        *self.cuts.entry(line).or_default() += 1;
    }

    /// In the order in which it was sent.
    pub(crate) fn in_order(&mut self, happening: &Happening, at: u64) -> u64 {
        let line = match happening {
            Happening::Up { member, place, .. } => Line::Up { place: *place, member: *member },
            Happening::Down { member, place, .. } => Line::Down { place: *place, member: *member },
            _ => return at,
        };
        let last = self.last.entry(line).or_default();
        *last = at.max(*last);
        *last
    }
}

impl World {
    pub(crate) fn mend(&mut self, line: Line) {
        if let Some(count) = self.links.cuts.get_mut(&line) {
            *count -= 1;
            if *count == 0 {
                self.links.cuts.remove(&line);
                self.order_cut(line, false);
                self.deliver_held();
            }
        }
    }

    pub(crate) fn mend_all(&mut self) {
        for line in std::mem::take(&mut self.links.cuts).into_keys() {
            self.order_cut(line, false);
        }
        self.deliver_held();
    }

    fn deliver_held(&mut self) {
        for happening in std::mem::take(&mut self.links.held) {
            self.at(self.now, happening);
        }
    }
}
