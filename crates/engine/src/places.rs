//! Where the runs wait that could use a slot: one report frees one slot, and a thousand runs may wait for it.
//!
//! This is derived, as [`crate::attention`] is: neither written nor compared. It names every run that a free slot could
//! help and may name more, of which nothing comes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use baton_plan::plan::StepIndex;

use crate::attention::Lack;
use crate::run::Run;
use crate::step::Status;

/// A region, or wherever a slot is free.
type Place = Option<String>;

/// Starved runs by the places in which a slot could help them; nothing, until somebody asks.
#[derive(Debug, Clone, Default)]
pub struct Places(Option<Box<Known>>);

/// Every state waits in the same places, for all that it says.
impl PartialEq for Places {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Known {
    /// In the order of their starts.
    runs: BTreeMap<Place, BTreeMap<u64, String>>,
    places: BTreeMap<u64, BTreeSet<Place>>,
}

impl Places {
    /// Those of these runs, all of which are starved.
    pub(crate) fn of<'a>(starved: impl IntoIterator<Item = &'a Arc<Run>>) -> Places {
        let mut known = Known::default();
        starved.into_iter().for_each(|run| known.put(run));
        Places(Some(Box::new(known)))
    }

    /// Nothing is known any more.
    pub(crate) fn forget(&mut self) {
        self.0 = None;
    }

    pub(crate) fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// A run had its turn.
    pub(crate) fn note(&mut self, run: &Run, starved: bool) {
        if let Some(known) = &mut self.0 {
            known.take(run.number);
            if starved {
                known.put(run);
            }
        }
    }

    /// The oldest run behind this one that waits where a slot is free.
    pub(crate) fn next(&self, last: Option<u64>, is_free: impl Fn(&str) -> bool) -> Option<(u64, &str)> {
        let known = self.0.as_ref()?;
        let here = known.runs.iter().filter(|(place, _)| place.as_deref().is_none_or(&is_free));
        let behind = (last.map_or(Unbounded, Excluded), Unbounded);
        let (number, id) = here.filter_map(|(_, runs)| runs.range(behind).next()).min()?;
        Some((*number, id))
    }

    /// Whether it names what it has to, where anything is known.
    pub(crate) fn agrees_with(&self, other: &Places) -> bool {
        self.0.is_none() || self.0 == other.0
    }
}

impl Known {
    fn put(&mut self, run: &Run) {
        let places = places(run);
        for place in &places {
            self.runs.entry(place.clone()).or_default().insert(run.number, run.id.clone());
        }
        self.places.insert(run.number, places);
    }

    fn take(&mut self, number: u64) {
        for place in self.places.remove(&number).into_iter().flatten() {
            if let Some(runs) = self.runs.get_mut(&place) {
                runs.remove(&number);
                if runs.is_empty() {
                    self.runs.remove(&place);
                }
            }
        }
    }
}

/// Where a free slot could help this run.
fn places(run: &Run) -> BTreeSet<Place> {
    let doubtful = |index: StepIndex| {
        let step = &run.steps[index];
        step.status == Status::InDoubt || step.attempt().is_some_and(|attempt| attempt.lapsed)
    };
    if run.queued || !run.undoing.is_empty() || run.attention.restless(&run.open).any(doubtful) {
        return BTreeSet::from([None]);
    }
    // Where a step is to be done was never asked yet, or it may be done anywhere.
    let keen = run.attention.keen(&run.ready).map(|index| run.steps[index].region.clone());
    let lacking = run.attention.lacking().map(|(lack, _)| match lack {
        Lack::Slot(region) | Lack::Room(region) => Some(region.clone()),
    });
    keen.chain(lacking).collect()
}
