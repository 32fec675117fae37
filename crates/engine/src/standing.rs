//! How a run stands, in words for people: whether somebody is needed, and what it waits for.

use baton_plan::plan::StepIndex;
use serde::{Deserialize, Serialize};

use crate::locks::Locks;
use crate::plans::Plans;
use crate::run::{Heading, Run, Status as RunStatus};
use crate::scope;
use crate::stamp::Moment;
use crate::step::Status;

/// A run's line in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Its id.
    pub id: String,
    /// Its place in the order of all starts.
    pub number: u64,
    /// The plan's name.
    pub plan: String,
    /// The plan's version.
    pub version: u32,
    /// Where it stands.
    pub status: RunStatus,
    /// Why.
    pub reason: Option<String>,
    /// When it began.
    pub started: Moment,
    /// When it ended.
    pub ended: Option<Moment>,
    /// Its steps.
    pub steps: u32,
    /// Of these, those that need no more doing.
    pub done: u32,
}

/// So many of a run's steps are named in one sentence: it may have thousands.
const MOST_NAMED: usize = 20;

fn listed(names: &[String], between: &str) -> String {
    let more = names.len().saturating_sub(MOST_NAMED);
    let named = names[..names.len() - more].join(between);
    if more > 0 { format!("{named}{between}and {more} more") } else { named }
}

impl Run {
    /// Its line in a list. A group is as far as its parts are, so only those are counted.
    pub fn summary(&self, plans: &Plans) -> Summary {
        let parts = || self.steps.iter().filter(|step| step.members.is_empty());
        let done =
            parts().filter(|step| step.done || matches!(step.status, Status::Succeeded | Status::Skipped));
        Summary {
            id: self.id.clone(),
            number: self.number,
            plan: self.plan.clone(),
            version: self.version,
            status: self.status,
            reason: self.why(plans),
            started: self.started,
            ended: self.ended,
            steps: parts().count() as u32,
            done: done.count() as u32,
        }
    }

    /// Nothing moves until a person decides: the run is paused or stuck, or all that is left hangs on people.
    pub fn needs_operator(&self) -> bool {
        if self.status.has_ended() {
            return false;
        }
        let open = |status: Status| self.open.iter().any(|index| self.steps[*index].status == status);
        let asked = open(Status::InDoubt) || open(Status::AwaitingApproval);
        match self.status {
            RunStatus::Paused | RunStatus::Stuck => !self.is_working(),
            _ => asked && !self.is_moving(),
        }
    }

    /// Something of it is with an agent, or waits for its time.
    fn is_working(&self) -> bool {
        self.open.iter().any(|index| {
            let state = &self.steps[*index];
            let lapsed = state.current().is_some_and(|attempt| attempt.lapsed && attempt.is_under_way());
            state.members.is_empty()
                && !(lapsed && state.status != Status::Probing)
                && !state.idle
                && matches!(state.status, Status::Running | Status::Probing | Status::Undoing)
        })
    }

    /// Something of it goes on, or could begin by itself.
    pub(crate) fn is_moving(&self) -> bool {
        let through =
            |index: StepIndex| self.frames[self.steps[index].origin.frame].heading == Heading::Through;
        let could = |index: StepIndex| through(index) && !self.steps[index].forsaken;
        self.is_working() || self.ready.iter().any(|(_, index)| could(*index))
    }

    /// Why the run stands as it does: its own reason, or what it hangs on.
    pub fn why(&self, plans: &Plans) -> Option<String> {
        if self.status.has_ended() {
            return self.reason.clone();
        }
        let named = |status: Status| -> Vec<String> {
            self.steps_in(status).map(|index| scope::name(self, plans, index)).collect()
        };
        let mut parts: Vec<String> = self.reason.iter().cloned().collect();
        for (status, text) in [
            (Status::InDoubt, "in doubt"),
            (Status::UndoFailed, "undo failed"),
            (Status::AwaitingApproval, "waiting for people"),
        ] {
            let names = named(status);
            if !names.is_empty() {
                parts.push(format!("{text}: {}", listed(&names, ", ")));
            }
        }
        if self.heading() == Heading::Canceling {
            let open: Vec<_> = self.open.iter().map(|index| scope::name(self, plans, *index)).collect();
            parts.push(format!("being canceled, waiting for the end of: {}", listed(&open, ", ")));
        }
        // Of a run that is paused or asks people, what else waits is no news; of one that should move, it is.
        let should_move = matches!(self.status, RunStatus::Running | RunStatus::Unwinding) && !self.queued;
        parts.extend(should_move.then(|| self.waits_for(plans)).flatten());
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// What keeps a run from moving at all, where an agent, a lock or a resource is missing: never a silent wait (P7).
    fn waits_for(&self, plans: &Plans) -> Option<String> {
        if self.is_working() {
            return None;
        }
        let waits = |index: &StepIndex| {
            let state = &self.steps[*index];
            state.members.is_empty() && matches!(state.status, Status::Running | Status::Undoing)
        };
        let open = self.open.iter().copied().filter(waits);
        let held = open.chain(self.ready.iter().map(|(_, index)| *index));
        let held = held.filter_map(|index| Some((index, self.steps[index].reason.as_deref()?)));
        let texts: Vec<_> =
            held.map(|(index, why)| format!("{}: {why}", scope::name(self, plans, index))).collect();
        (!texts.is_empty()).then(|| format!("waiting: {}", listed(&texts, "; ")))
    }

    /// What a step that waits for a lock waits for, with the lock's age now.
    pub fn lock_text(&self, plans: &Plans, locks: &Locks, index: StepIndex, now_ms: u64) -> Option<String> {
        let scope = scope::RunScope { run: self, plans, index };
        let names = scope::step(self, plans, index).locks.iter();
        let names: Vec<_> = names.filter_map(|name| name.render(&scope::Outer(&scope)).ok()).collect();
        locks
            .hindrance(&names, |owner| self.is_held_for(owner, index))
            .map(|(name, lock)| lock.text_with_age(name, now_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_very_many_steps_some_are_named() {
        let names: Vec<_> = (0..MOST_NAMED + 3).map(|step| format!("s{step}")).collect();
        assert_eq!(listed(&names[..2], ", "), "s0, s1");
        assert!(listed(&names[..MOST_NAMED], ", ").ends_with(", s19"));
        assert!(listed(&names, ", ").ends_with(", s19, and 3 more"));
    }
}
