//! The state that every coordinator holds, and how a batch changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::agents::Agents;
use crate::command::{Batch, Reply};
use crate::locks::Locks;
use crate::pass::Pass;
use crate::places::Places;
use crate::plans::{PlanVersion, Plans, TemplateVersion};
use crate::reckoning::Reckoning;
use crate::regions::LostRegions;
use crate::rejection::Rejection;
use crate::requests::Requests;
use crate::resources::Resources;
use crate::run::Run;
use crate::stamp::{Moment, Stamp};
use crate::turn::Turn;

/// Who leads, as far as the log knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Office {
    /// The coordinator.
    pub node: u64,
    /// The term in which it took office.
    pub term: u64,
}

/// Everything that the log says. A clone is cheap: runs and plans are shared until they change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The newest stamp seen; time never runs back.
    pub stamp: Stamp,
    /// Who leads.
    pub office: Office,
    /// The last fencing token granted.
    pub tokens: u64,
    /// Runs ever started.
    pub started: u64,
    /// By name.
    pub plans: Plans,
    /// Step templates by name, every version of each; version n stands at n - 1.
    pub templates: BTreeMap<String, Vec<Arc<TemplateVersion>>>,
    /// By id.
    pub runs: BTreeMap<String, Arc<Run>>,
    /// Every run by the order of starts.
    pub by_start: BTreeMap<u64, String>,
    /// Runs that have not ended.
    pub active: BTreeSet<String>,
    /// Active runs that wait for something which others may let go: a slot, a lock, a resource.
    pub starved: BTreeSet<String>,
    /// Cluster times at which active runs must be looked at again.
    pub alarms: BTreeSet<(u64, String)>,
    /// Active runs with an expression that waits to be evaluated.
    pub curious: BTreeSet<String>,
    /// By name.
    pub agents: Agents,
    /// Who holds which name.
    pub locks: Locks,
    /// Who draws on what.
    pub resources: Resources,
    /// Regions that were declared lost.
    pub lost: LostRegions,
    /// What was answered to whom.
    pub requests: Requests,
    /// What is to be heard after a restore.
    pub reckoning: Reckoning,
    /// Ids of coordinators that were removed, and must never come back.
    pub retired: BTreeSet<u64>,
    /// The region in which an operator wants the leader to be.
    pub preferred_region: Option<String>,
    /// Runs that the last entry changed.
    #[serde(skip)]
    pub touched: Touched,
    /// Whom a free slot could help.
    #[serde(skip)]
    pub places: Places,
}

/// Names, for those who watch what they stand for: no part of what is replicated, so neither written nor compared.
#[derive(Debug, Clone, Default)]
pub struct Touched(pub BTreeSet<String>);

impl PartialEq for Touched {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Touched {}

/// What came free, and so who may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freed {
    /// Agents' slots, and nothing else.
    Slots,
    /// Anything that a run can wait for.
    Anything,
}

impl State {
    /// Applies one log entry. `index` is its place in the log.
    pub fn apply(&mut self, index: u64, batch: &Batch) -> Vec<Reply> {
        self.stamp =
            Stamp { time_ms: self.stamp.time_ms.max(batch.stamp.time_ms), wall_ms: batch.stamp.wall_ms };
        let at = Moment { index, stamp: self.stamp };
        self.touched.0.clear();
        self.agents.touched.0.clear();
        let replies = batch.commands.iter().map(|command| self.apply_command(at, batch.term, command));
        let replies = replies.collect();
        // Releases go without these checks, and a planted bug is to be found as it would be in one.
        #[cfg(all(debug_assertions, not(feature = "sabotage")))]
        if let Err(violation) = crate::invariants::check_touched(self, index) {
            panic!("invariant violated at log index {index}: {violation}");
        }
        replies
    }

    /// A run by its id.
    pub fn run(&self, id: &str) -> Result<&Arc<Run>, Rejection> {
        self.runs.get(id).ok_or_else(|| State::no_run(id))
    }

    /// What is said of a run that there is not.
    pub fn no_run(id: &str) -> Rejection {
        Rejection::NotFound(format!("there is no run `{id}`; `baton run list` shows them"))
    }

    /// The plan version that a run keeps.
    pub fn version_of(&self, run: &Run) -> Arc<PlanVersion> {
        let history = &self.plans[&run.plan];
        Arc::clone(&history.versions[run.version as usize - 1])
    }

    /// How often something became free that a run could wait for: slots, and all else.
    fn freed(&self) -> (u64, u64) {
        (self.agents.freed, self.locks.freed + self.resources.freed)
    }

    /// Lets one run make a move, and then everything else that can move because of it.
    pub(crate) fn with_run<T>(&mut self, at: Moment, id: &str, act: impl FnOnce(&mut Turn<'_>) -> T) -> T {
        let before = self.freed();
        let outcome = self.turn(at, id, act);
        if let Some(freed) = came_free(before, self.freed()) {
            self.settle_starved(at, freed);
        }
        outcome
    }

    /// Lets every run move that waits for something, the oldest first, until nothing more comes free.
    pub(crate) fn settle_starved(&mut self, at: Moment, mut freed: Freed) {
        loop {
            let before = self.freed();
            match freed {
                Freed::Slots => self.settle_where_slots_are_free(at),
                Freed::Anything => self.settle_all_starved(at),
            }
            match came_free(before, self.freed()) {
                Some(next) => freed = next,
                None => return,
            }
        }
    }

    fn settle_all_starved(&mut self, at: Moment) {
        let mut by_age: Vec<_> = self.starved.iter().map(|id| (self.runs[id].number, id.clone())).collect();
        by_age.sort_unstable();
        for (_, id) in by_age {
            self.turn(at, &id, |_| ());
        }
    }

    fn settle_where_slots_are_free(&mut self, at: Moment) {
        if !self.places.is_known() {
            self.places = Places::of(self.starved.iter().map(|id| &self.runs[id]));
        }
        let mut last = None;
        while let Some((number, id)) = self.next_for_a_slot(last) {
            self.turn(at, &id, |_| ());
            last = Some(number);
        }
    }

    fn next_for_a_slot(&self, last: Option<u64>) -> Option<(u64, String)> {
        let is_free = |region: &str| {
            self.lost.contains_key(region) || self.agents.choose(|other| other == region, 1).is_some()
        };
        let (number, id) = self.places.next(last, is_free)?;
        Some((number, id.to_owned()))
    }

    /// One run's turn: a move, then settling, then the books of who waits for what.
    pub(crate) fn turn<T>(&mut self, at: Moment, id: &str, act: impl FnOnce(&mut Turn<'_>) -> T) -> T {
        let Some(shared) = self.runs.get_mut(id) else {
            unreachable!("the run was looked up a moment ago");
        };
        let run = Arc::make_mut(shared);
        let alarm_before = run.alarm_ms;
        let mut turn = Turn {
            run,
            plans: &self.plans,
            lost: &self.lost,
            agents: &mut self.agents,
            locks: &mut self.locks,
            resources: &mut self.resources,
            reckoning: &mut self.reckoning,
            tokens: &mut self.tokens,
            at,
            pass: Pass::default(),
        };
        let outcome = act(&mut turn);
        let starved = turn.settle();
        let curious = turn.wants_evaluation();
        let (alarm, ended) = (run.alarm_ms, run.status.has_ended());
        self.places.note(run, starved);
        if run.changed == at.index && !self.touched.0.contains(id) {
            self.touched.0.insert(id.to_owned());
        }
        if let Some(alarm_ms) = alarm_before {
            self.alarms.remove(&(alarm_ms, id.to_owned()));
        }
        if let Some(alarm_ms) = alarm {
            self.alarms.insert((alarm_ms, id.to_owned()));
        }
        enroll(&mut self.starved, id, starved);
        enroll(&mut self.curious, id, curious);
        enroll(&mut self.active, id, !ended);
        outcome
    }

    /// Looks at every step of every run anew, as a state does that was read from disk. What comes of it is the same.
    pub fn look_anew(&mut self) {
        self.places.forget();
        for id in &self.active {
            if let Some(run) = self.runs.get_mut(id) {
                Arc::make_mut(run).attention.forget();
            }
        }
    }

    /// The cluster time at which a `Tick` is due; `None` while no deadline stands.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        self.alarms.first().map(|(time_ms, _)| *time_ms)
    }
}

/// What came free between two counts.
fn came_free(before: (u64, u64), after: (u64, u64)) -> Option<Freed> {
    match (before.0 != after.0, before.1 != after.1) {
        (_, true) => Some(Freed::Anything),
        (true, false) => Some(Freed::Slots),
        (false, false) => None,
    }
}

fn enroll(set: &mut BTreeSet<String>, id: &str, belongs: bool) {
    if belongs && !set.contains(id) {
        set.insert(id.to_owned());
    } else if !belongs {
        set.remove(id);
    }
}
