//! Names that at most one run, or one step, holds at a time.

use std::collections::BTreeMap;

use baton_plan::plan::StepIndex;
use serde::{Deserialize, Serialize};

use crate::stamp::Moment;

/// Who holds a lock: a run from its start to its end, or one of its steps.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owner {
    /// The run.
    pub run: String,
    /// The step; `None` for the run itself.
    pub step: Option<StepIndex>,
}

/// One lock that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// By whom.
    pub owner: Owner,
    /// The step's name, for people.
    pub step: Option<String>,
    /// Since when.
    pub since: Moment,
}

impl Lock {
    /// Who holds it: never a silent wait (semantics P7).
    pub fn text(&self, name: &str) -> String {
        let step = self.step.as_ref().map(|step| format!(" (step {step})")).unwrap_or_default();
        format!("lock `{name}` is held by run {}{step}", self.owner.run)
    }

    /// And how long already.
    pub fn text_with_age(&self, name: &str, now_ms: u64) -> String {
        format!("{} for {}", self.text(name), age(now_ms.saturating_sub(self.since.stamp.time_ms)))
    }
}

/// A time for people, in its largest two units.
pub(crate) fn age(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        _ => format!("{}h{}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// All locks that are held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locks {
    /// By name.
    pub by_name: BTreeMap<String, Lock>,
    /// How often one was let go that somebody could have waited for.
    pub freed: u64,
}

impl Locks {
    /// The first of these names that somebody else holds; `is_own` tells who is nobody else.
    pub fn hindrance<'a>(
        &self,
        names: &'a [String],
        is_own: impl Fn(&Owner) -> bool,
    ) -> Option<(&'a str, &Lock)> {
        let mut held = names.iter().filter_map(|name| Some((name.as_str(), self.by_name.get(name)?)));
        held.find(|(_, lock)| !is_own(&lock.owner))
    }

    /// Takes all of these names, none of which anybody else holds; gives back those that are new.
    pub fn take(
        &mut self,
        names: &[String],
        owner: &Owner,
        step: Option<&str>,
        since: Moment,
    ) -> Vec<String> {
        let free = names.iter().filter(|name| !self.by_name.contains_key(*name)).cloned();
        let free: Vec<_> = free.collect();
        for name in &free {
            let lock = Lock { owner: owner.clone(), step: step.map(str::to_owned), since };
            self.by_name.insert(name.clone(), lock);
        }
        free
    }

    /// Lets these names go where this owner holds them.
    pub fn release(&mut self, names: &[String], owner: &Owner) {
        for name in names {
            if self.by_name.get(name).is_some_and(|lock| lock.owner == *owner) {
                self.by_name.remove(name);
                self.freed += 1;
            }
        }
    }
}
