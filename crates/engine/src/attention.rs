//! Which steps of a run are to be looked at when it settles. Thousands may be under way, or wait for a slot, and one
//! command is about one of them: to look at all of them each time would make a run's cost the square of its size.
//!
//! This is derived: neither written nor compared. A state that was read from disk knows nothing of it and looks at every
//! step once; what comes of a command is the same (the simulator's law `replay` holds one state of each kind beside the
//! other).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use baton_plan::plan::StepIndex;

use crate::run::{Rank, Run};

/// What is known of a run's steps; nothing, until it settles for the first time.
#[derive(Debug, Clone, Default)]
pub struct Attention(Option<Box<Known>>);

/// Every state pays the same attention, for all that it says.
impl PartialEq for Attention {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Attention {}

/// What a ready step waits for that many of its run may wait for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// A slot of an agent in this region.
    Slot(String),
    /// That fewer steps of its plan are under way; and its region, in case.
    Room(String),
}

#[derive(Debug, Clone, Default)]
struct Known {
    /// Open steps of which something may come without a word about them.
    restless: BTreeSet<StepIndex>,
    /// Ready steps that nothing is known of.
    keen: BTreeSet<Rank>,
    /// Ready steps that begin as soon as this is there, and not before. Each of them was told so.
    lacking: BTreeMap<Lack, BTreeSet<Rank>>,
}

impl Attention {
    /// Everything is to be looked at again.
    pub fn forget(&mut self) {
        self.0 = None;
    }

    /// How many steps are to be looked at when a run settles the next time.
    pub fn awaited(run: &Run) -> usize {
        let of = &run.attention;
        of.restless(&run.open).count() + of.keen(&run.ready).count() + of.lacking().count()
    }

    /// From now on it is known what is to be looked at: all that is open or ready, where nothing was known.
    pub(crate) fn begin(run: &mut Run) {
        if run.attention.0.is_none() {
            let (restless, keen) = (run.open.clone(), run.ready.clone());
            run.attention.0 = Some(Box::new(Known { restless, keen, lacking: BTreeMap::new() }));
        }
    }

    /// A step was changed: it is to be looked at.
    pub(crate) fn touch(&mut self, index: StepIndex) {
        if let Some(known) = &mut self.0 {
            known.restless.insert(index);
        }
    }

    /// Nothing comes of a step before it is changed.
    pub(crate) fn leave(&mut self, index: StepIndex) {
        if let Some(known) = &mut self.0 {
            known.restless.remove(&index);
        }
    }

    /// The first step from this one on that is to be looked at, of those under way.
    pub(crate) fn restless_from(&self, index: StepIndex) -> Option<StepIndex> {
        self.0.as_ref()?.restless.range(index..).next().copied()
    }

    /// A step has become ready.
    pub(crate) fn readied(&mut self, rank: Rank) {
        if let Some(known) = &mut self.0 {
            known.keen.insert(rank);
        }
    }

    /// A step is ready no more. It was touched before, and lacks nothing.
    pub(crate) fn unreadied(&mut self, rank: Rank) {
        if let Some(known) = &mut self.0 {
            known.keen.remove(&rank);
        }
    }

    /// A ready step was told that it lacks this.
    pub(crate) fn lacks(&mut self, rank: Rank, lack: Lack) {
        if let Some(known) = &mut self.0 {
            known.keen.remove(&rank);
            known.lacking.entry(lack).or_default().insert(rank);
        }
    }

    /// Whether any step lacks anything.
    pub(crate) fn is_lacking(&self) -> bool {
        self.0.as_ref().is_some_and(|known| !known.lacking.is_empty())
    }

    /// What steps lack, and the first of each.
    pub(crate) fn lacking(&self) -> impl Iterator<Item = (&Lack, Rank)> {
        let lacking = self.0.iter().flat_map(|known| &known.lacking);
        lacking.filter_map(|(lack, ranks)| Some((lack, *ranks.first()?)))
    }

    /// The first step behind this one that lacks it.
    pub(crate) fn lacking_after(&self, lack: &Lack, last: Option<Rank>) -> Option<Rank> {
        after(self.0.as_ref()?.lacking.get(lack)?, last)
    }

    /// The first step behind this one of which nothing is known.
    pub(crate) fn keen_after(&self, last: Option<Rank>) -> Option<Rank> {
        after(&self.0.as_ref()?.keen, last)
    }

    /// Nothing is known any more of a step that lacked this.
    pub(crate) fn doubt_one(&mut self, rank: Rank, lack: &Lack) {
        if let Some(known) = &mut self.0
            && let Some(ranks) = known.lacking.get_mut(lack)
            && ranks.remove(&rank)
        {
            known.keen.insert(rank);
            if ranks.is_empty() {
                known.lacking.remove(lack);
            }
        }
    }

    /// Nothing is known any more of all that lacked this.
    pub(crate) fn doubt_all(&mut self, lack: &Lack) {
        if let Some(known) = &mut self.0
            && let Some(mut ranks) = known.lacking.remove(lack)
        {
            known.keen.append(&mut ranks);
        }
    }

    /// Ready steps that an expression, or a slot anywhere, may help: all of a run of which nothing is known.
    pub(crate) fn keen<'a>(&'a self, ready: &'a BTreeSet<Rank>) -> impl Iterator<Item = StepIndex> + 'a {
        let keen = self.0.as_ref().map_or(ready, |known| &known.keen);
        keen.iter().map(|(_, index)| *index)
    }

    /// Open steps that may be more than under way: all of a run of which nothing is known.
    pub(crate) fn restless<'a>(
        &'a self,
        open: &'a BTreeSet<StepIndex>,
    ) -> impl Iterator<Item = StepIndex> + 'a {
        let restless = self.0.as_ref().map_or(open, |known| &known.restless);
        restless.iter().copied().filter(|index| open.contains(index))
    }
}

fn after(ranks: &BTreeSet<Rank>, last: Option<Rank>) -> Option<Rank> {
    match last {
        None => ranks.first().copied(),
        Some(last) => ranks.range((Excluded(last), Unbounded)).next().copied(),
    }
}
