//! One pass over a run's steps: those under way, then those that are ready, as they were when it began. Only those are
//! looked at of which something can come (see [`Attention`]).

use std::collections::BTreeSet;

use baton_plan::plan::StepIndex;

use crate::attention::{Attention, Lack};
use crate::doubt::asks_first;
use crate::grant::Hindrance;
use crate::reckoning::is_withheld;
use crate::run::{Heading, Rank, Status as RunStatus};
use crate::step::{Attempt, Status};
use crate::turn::Turn;

/// What has become open or ready in one pass over a run: it is looked at in the next one.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    opened: BTreeSet<StepIndex>,
    closed: BTreeSet<StepIndex>,
    readied: BTreeSet<StepIndex>,
}

impl Pass {
    /// A pass over what is open begins.
    pub(crate) fn begin_open(&mut self) {
        self.opened.clear();
        self.closed.clear();
    }

    /// A pass over what is ready begins.
    pub(crate) fn begin_ready(&mut self) {
        self.readied.clear();
    }

    /// Something has become open.
    pub(crate) fn opened(&mut self, index: StepIndex) {
        if !self.closed.remove(&index) {
            self.opened.insert(index);
        }
    }

    /// Something is open no more.
    pub(crate) fn closed(&mut self, index: StepIndex) {
        if !self.opened.remove(&index) {
            self.closed.insert(index);
        }
    }

    /// Something has become ready.
    pub(crate) fn readied(&mut self, index: StepIndex) {
        self.readied.insert(index);
    }

    /// Whether a step was open when the pass began; `is_open` is whether it is now.
    pub(crate) fn was_open(&self, index: StepIndex, is_open: bool) -> bool {
        is_open && !self.opened.contains(&index) || self.closed.contains(&index)
    }

    /// Whether a ready step was so when the pass began.
    pub(crate) fn was_ready(&self, index: StepIndex) -> bool {
        !self.readied.contains(&index)
    }
}

impl Turn<'_> {
    /// What is known of the steps still holds, or is known no more.
    pub(crate) fn look_around(&mut self) {
        if self.run.attention.is_lacking() {
            let lacking: Vec<_> = self.run.attention.lacking().map(|(lack, _)| lack.clone()).collect();
            for lack in lacking {
                let (Lack::Slot(region) | Lack::Room(region)) = &lack;
                if !self.lost.is_empty() || self.agent_for(region, 0).is_none() {
                    self.run.attention.doubt_all(&lack);
                }
            }
        }
        if !self.reckoning.is_silent_on(self.run) {
            self.run.attention.forget();
        }
        Attention::begin(self.run);
    }

    /// Steps under way: doubts are decided, waits and questions ended. True when a slot elsewhere would help.
    pub(crate) fn settle_open(&mut self) -> bool {
        self.pass.begin_open();
        let (mut starved, mut next) = (false, 0);
        while let Some(index) = self.run.attention.restless_from(next) {
            next = index + 1;
            if self.pass.was_open(index, self.run.open.contains(&index)) {
                starved |= self.settle_one(index);
            }
            if !self.run.open.contains(&index) || self.is_quiet(index) {
                self.run.attention.leave(index);
            }
        }
        starved
    }

    fn settle_one(&mut self, index: StepIndex) -> bool {
        let state = &self.run.steps[index];
        if state.status == Status::AwaitingApproval {
            self.settle_people(index);
        } else if !state.members.is_empty() || self.is_group(index) {
            self.settle_group(index);
        } else if state.current().is_some() {
            return self.settle_attempt(index);
        } else if state.status == Status::Running {
            self.settle_wait(index);
        }
        false
    }

    /// An agent is at it, or about to be, and nothing speaks against it: only a word about this very step changes that.
    fn is_quiet(&self, index: StepIndex) -> bool {
        let state = &self.run.steps[index];
        let is_well = |attempt: &Attempt| attempt.is_under_way() && !attempt.lapsed;
        matches!(state.status, Status::Running | Status::Undoing)
            && state.members.is_empty()
            && !self.is_group(index)
            && !state.idle
            && state.current().is_some_and(is_well)
            && !is_withheld(state)
            && self.reckoning.is_silent_on(self.run)
    }

    /// Grants what is ready, the longest way to the end first. True when something was missing that others may let go.
    pub(crate) fn settle_ready(&mut self) -> bool {
        self.pass.begin_ready();
        let (mut starved, mut last) = (false, None);
        let begins = |turn: &Self| turn.run.status == RunStatus::Running && !turn.run.queued;
        while begins(self)
            && let Some((rank, lack)) = self.next_ready(last)
        {
            last = Some(rank);
            if let Some(lack) = &lack {
                self.run.attention.doubt_one(rank, lack);
            }
            starved |= self.pass.was_ready(rank.1) && self.try_to_grant(rank);
        }
        // Those that were passed over lack what they lacked before.
        starved || self.is_starved(|first| begins(self) || last.is_some_and(|last| first <= last))
    }

    /// The next step that can begin, or of which that is not known; with what it lacked until now.
    fn next_ready(&self, last: Option<Rank>) -> Option<(Rank, Option<Lack>)> {
        let attention = &self.run.attention;
        let keen = attention.keen_after(last).map(|rank| (rank, None));
        let there = attention.lacking().filter(|(lack, _)| self.is_there(lack));
        let there =
            there.filter_map(|(lack, _)| Some((attention.lacking_after(lack, last)?, Some(lack.clone()))));
        there.chain(keen).min_by_key(|(rank, _)| *rank)
    }

    /// Whether what a step lacked has come.
    fn is_there(&self, lack: &Lack) -> bool {
        match lack {
            Lack::Slot(region) => self.agent_for(region, 1).is_some(),
            Lack::Room(_) => self.has_room_in_plan(),
        }
    }

    /// A step lacks a slot, which others may let go; the first in each region is one of which `counts` says so.
    fn is_starved(&self, counts: impl Fn(Rank) -> bool) -> bool {
        let mut lacking = self.run.attention.lacking();
        lacking.any(|(lack, first)| matches!(lack, Lack::Slot(_)) && counts(first))
    }

    /// True when the step lacks something that others may let go.
    fn try_to_grant(&mut self, rank: Rank) -> bool {
        let index = rank.1;
        if self.run.steps[index].status != Status::Waiting || !self.is_going(index) {
            return false;
        }
        let Err(hindrance) = self.grant(index) else { return false };
        let starved = self.hindered(index, &hindrance);
        if let Some(lack) = self.lack(index, &hindrance) {
            self.run.attention.lacks(rank, lack);
        }
        starved
    }

    /// What the step lacks, if it is that alone which keeps it from beginning, and will be.
    fn lack(&self, index: StepIndex, hindrance: &Hindrance) -> Option<Lack> {
        let (step, state) = (self.step(index), &self.run.steps[index]);
        let limits = self.version(0).plan.limits;
        let is_plain = state.origin.frame == 0
            && state.origin.parent.is_none()
            && step.for_each.is_none()
            && step.modes.is_empty()
            && step.variants.is_empty()
            && step.draws.is_empty()
            && self.lost.is_empty()
            && self.reckoning.is_silent_on(self.run)
            && self.run.heading() == Heading::Through
            && state.status == Status::Waiting;
        let region = state.region.clone().filter(|_| is_plain)?;
        let is_limited = limits.parallel.is_some() || limits.per_region.is_some();
        match hindrance {
            Hindrance::Busy(_) if !is_limited && !asks_first(self.work(index), state) => {
                Some(Lack::Slot(region))
            }
            Hindrance::Limit if limits.per_region.is_none() => Some(Lack::Room(region)),
            _ => None,
        }
    }
}
