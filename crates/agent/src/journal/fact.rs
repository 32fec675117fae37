//! What the journal says, line by line and all together. Pure. The order of variants and fields
//! is a format.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::attempt::{Key, Outcome, Report, StepOfRun};

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// The attempt may act from now on.
    Started(Started),
    /// It ended; the report is offered until it is acknowledged.
    Finished(Report),
    /// It never started and never will: what the leader allowed came too late.
    Abandoned { key: Key, reason: String },
    /// The cluster has committed the report, so the attempt may be forgotten.
    Acknowledged { token: u64 },
    /// The newest token of a step that was ever acknowledged here; written by compaction.
    Remembered { run: String, step: String, token: u64 },
}

impl Fact {
    /// The attempt, where the line names it.
    pub(crate) fn key(&self) -> Option<&Key> {
        match self {
            Fact::Started(started) => Some(&started.key),
            Fact::Finished(report) => Some(&report.key),
            Fact::Abandoned { key, .. } => Some(key),
            Fact::Acknowledged { .. } | Fact::Remembered { .. } => None,
        }
    }
}

/// Who acts, and since which boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    pub key: Key,
    pub idempotent: bool,
    /// Tells a repeated assignment from a different one under the same token.
    pub action_hash: u64,
    pub boot: String,
}

/// An attempt that is journaled and not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Open {
    Started(Started),
    Finished(Report),
}

impl Open {
    pub fn key(&self) -> &Key {
        match self {
            Open::Started(started) => &started.key,
            Open::Finished(report) => &report.key,
        }
    }
}

/// All lines together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// By token.
    pub open: BTreeMap<u64, Open>,
    pub newest: Newest,
}

impl Facts {
    /// Takes in the next line.
    pub fn absorb(&mut self, fact: Fact) {
        match fact {
            Fact::Started(started) => {
                self.open.insert(started.key.token, Open::Started(started));
            }
            Fact::Finished(report) => {
                self.open.insert(report.key.token, Open::Finished(report));
            }
            Fact::Abandoned { key, reason } => {
                let report = Report::bare(key, Outcome::NotStarted, reason);
                self.open.insert(report.key.token, Open::Finished(report));
            }
            Fact::Acknowledged { token } => {
                if let Some(open) = self.open.remove(&token) {
                    self.newest.raise(open.key());
                }
            }
            Fact::Remembered { run, step, token } => {
                self.newest.raise(&Key { run, step, attempt: 0, token });
            }
        }
    }

    /// The fewest lines that say the same.
    pub fn lines(&self) -> Vec<Fact> {
        let remembered = self.newest.keys();
        let remembered = remembered.map(|Key { run, step, token, .. }| Fact::Remembered { run, step, token });
        let open = self.open.values().map(|open| match open {
            Open::Started(started) => Fact::Started(started.clone()),
            Open::Finished(report) => Fact::Finished(report.clone()),
        });
        remembered.chain(open).collect()
    }
}

/// The newest token of each step. It outlives the acknowledgement, so that an assignment which
/// was long under way is known for what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Newest {
    of_step: HashMap<Arc<StepOfRun>, u64>,
    /// The same, oldest grant first: what is forgotten next.
    by_age: BTreeSet<(u64, Arc<StepOfRun>)>,
}

impl Newest {
    /// Steps remembered; beyond, the oldest grants are forgotten.
    const LIMIT: usize = 4096;

    pub fn of(&self, key: &Key) -> Option<u64> {
        self.of_step.get(&key.step_of_run()).copied()
    }

    /// All that is remembered, oldest grant first; the numbers of the attempts are not.
    pub fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.by_age.iter().map(|(token, step)| {
            let (run, step) = StepOfRun::clone(step);
            Key { run, step, attempt: 0, token: *token }
        })
    }

    pub fn raise(&mut self, key: &Key) {
        let step = Arc::new(key.step_of_run());
        match self.of_step.get(&step) {
            Some(known) if *known >= key.token => return,
            Some(known) => drop(self.by_age.remove(&(*known, Arc::clone(&step)))),
            None => {}
        }
        self.by_age.insert((key.token, Arc::clone(&step)));
        self.of_step.insert(step, key.token);
        if self.of_step.len() > Self::LIMIT
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.of_step.remove(&oldest);
        }
    }
}

/// FNV-1a, 64 bits: tells accidents apart, not adversaries.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
