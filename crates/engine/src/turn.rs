//! One run's turn: everything that it needs in order to move, and the only moves there are.

use std::cmp::Reverse;

use baton_plan::plan::{Step, StepIndex, Work};

use crate::agents::Agents;
use crate::attention::Lack;
use crate::command::Speaker;
use crate::event::Event;
use crate::locks::{Locks, Owner};
use crate::pass::Pass;
use crate::plans::{PlanVersion, Plans};
use crate::reckoning::Reckoning;
use crate::regions::LostRegions;
use crate::resources::Resources;
use crate::run::{Rank, Run, Status as RunStatus};
use crate::scope;
use crate::stamp::Moment;
use crate::step::{Attempt, Direction, Outcome, Status, StepState};

/// Borrowed pieces of the state while one run moves.
pub struct Turn<'a> {
    /// The run.
    pub run: &'a mut Run,
    /// Every plan.
    pub plans: &'a Plans,
    /// Regions that were declared lost.
    pub lost: &'a LostRegions,
    /// Every agent.
    pub agents: &'a mut Agents,
    /// Every lock.
    pub locks: &'a mut Locks,
    /// Every resource.
    pub resources: &'a mut Resources,
    /// What is to be heard after a restore.
    pub reckoning: &'a mut Reckoning,
    /// The last token granted; the next is one more.
    pub tokens: &'a mut u64,
    /// When.
    pub at: Moment,
    /// What has become open or ready in this pass.
    pub(crate) pass: Pass,
}

impl<'a> Turn<'a> {
    /// Cluster time now.
    pub fn now_ms(&self) -> u64 {
        self.at.stamp.time_ms
    }

    /// The plan version that a frame carries out.
    pub fn version(&self, frame: usize) -> &'a PlanVersion {
        scope::version(self.run, self.plans, frame)
    }

    /// What its plan says of a step.
    pub fn step(&self, index: StepIndex) -> &'a Step {
        scope::step(self.run, self.plans, index)
    }

    /// What a step carries out, the way that it goes now.
    pub fn work(&self, index: StepIndex) -> &'a Work {
        scope::work(self.run, self.plans, index)
    }

    /// A step's name, for events.
    pub fn name(&self, index: StepIndex) -> String {
        scope::name(self.run, self.plans, index)
    }

    /// Where a step stands, to be changed. There is no other way to change it: who settles the run looks at it again.
    pub fn state(&mut self, index: StepIndex) -> &mut StepState {
        self.run.attention.touch(index);
        if self.run.attention.is_lacking() && self.run.steps[index].status == Status::Waiting {
            self.doubt_lack(index);
        }
        self.run.steps[index].changed = self.at.index;
        &mut self.run.steps[index]
    }

    /// What a step was told that it lacks is to be found out again.
    fn doubt_lack(&mut self, index: StepIndex) {
        if let Some(region) = self.run.steps[index].region.clone() {
            let rank = self.rank(index);
            self.run.attention.doubt_one(rank, &Lack::Slot(region.clone()));
            self.run.attention.doubt_one(rank, &Lack::Room(region));
        }
    }

    /// The newest attempt of a step that has one.
    pub fn attempt(&mut self, index: StepIndex) -> Option<&mut Attempt> {
        self.state(index).attempts.last_mut()
    }

    /// Adds to the timeline.
    pub fn record(&mut self, event: Event) {
        self.run.record(self.at, event);
    }

    /// A fencing token that is larger than every one before.
    pub fn next_token(&mut self) -> u64 {
        *self.tokens += 1;
        *self.tokens
    }

    /// Who holds what a step holds.
    pub fn owner(&self, step: Option<StepIndex>) -> Owner {
        Owner { run: self.run.id.clone(), step }
    }

    /// Moves a step along its transition table.
    pub fn turn_to(&mut self, index: StepIndex, next: Status, reason: Option<String>) {
        let rank = self.rank(index);
        let waiting = self.run.steps[index].status == Status::Waiting;
        let variant = waiting.then(|| scope::variant(self.run, self.plans, index));
        let state = self.state(index);
        debug_assert!(
            state.status == next || state.status.may_become(next),
            "{:?} may not become {next:?}",
            state.status
        );
        if let Some(variant) = variant {
            state.variant = variant;
        }
        (state.status, state.reason, state.forsaken) = (next, reason, false);
        let ready = next == Status::Waiting && state.unmet == 0;
        if ready {
            self.readied(rank);
        } else if self.run.ready.remove(&rank) {
            self.run.attention.unreadied(rank);
        }
        if next.is_open() && self.run.open.insert(index) {
            self.pass.opened(index);
        } else if !next.is_open() && self.run.open.remove(&index) {
            self.pass.closed(index);
        }
        if next == Status::Waiting && self.run.steps[index].unwind {
            self.run.undoing.insert(index);
        }
        if next.is_settled() {
            self.unlock(index);
        }
        if next != Status::Waiting {
            self.run.barriers.remove(&index);
        }
    }

    /// A step's place among the ready ones: the longest way to the end of the run first.
    pub fn rank(&self, index: StepIndex) -> Rank {
        let remaining_ms = |index: StepIndex| {
            let origin = &self.run.steps[index].origin;
            self.version(origin.frame).graph.remaining_ms(origin.definition)
        };
        let outermost = self.run.chain(index).last().unwrap_or(index);
        let inner_ms = if outermost == index { 0 } else { remaining_ms(index) };
        (Reverse(remaining_ms(outermost).saturating_add(inner_ms)), index)
    }

    /// A step may begin, as far as others go.
    pub(crate) fn readied(&mut self, rank: Rank) {
        if self.run.ready.insert(rank) {
            self.run.attention.readied(rank);
            self.pass.readied(rank.1);
        }
    }

    /// The steps that need this one, within its plan. Members of a fan-out have none: the whole of it counts.
    pub fn dependents(&self, index: StepIndex) -> impl Iterator<Item = StepIndex> + use<'a> {
        let origin = &self.run.steps[index].origin;
        let first = self.run.frames[origin.frame].first;
        let graph = &self.version(origin.frame).graph;
        let direct: &'a [StepIndex] = match origin.item {
            None => graph.dependents(origin.definition),
            Some(_) => &[],
        };
        direct.iter().map(move |definition| first + definition)
    }

    /// The step is done, whichever way: those that need it come closer to being ready.
    pub(crate) fn done(&mut self, index: StepIndex) {
        if std::mem::replace(&mut self.state(index).done, true) {
            return;
        }
        let now_ms = self.now_ms();
        for dependent in self.dependents(index) {
            let rank = self.rank(dependent);
            let state = self.state(dependent);
            state.unmet -= 1;
            if state.unmet == 0 && state.status == Status::Waiting {
                state.ready_ms = Some(now_ms);
                self.readied(rank);
            }
        }
    }

    /// What was carried out took effect.
    pub fn succeed(&mut self, index: StepIndex, reason: Option<String>) {
        self.let_go(index);
        let step = self.name(index);
        if self.run.steps[index].direction == Direction::Undo {
            return self.undone(index, reason);
        }
        self.turn_to(index, Status::Succeeded, reason.clone());
        self.record(Event::StepSucceeded { step, reason });
        self.done(index);
    }

    /// The step is left out and counts as done.
    pub fn skip(&mut self, index: StepIndex, reason: String) {
        self.let_go(index);
        self.turn_to(index, Status::Skipped, Some(reason.clone()));
        let step = self.name(index);
        self.record(Event::StepSkipped { step, reason });
        self.done(index);
    }

    /// Nothing new starts until an operator says so.
    pub fn pause(&mut self, reason: String) {
        if self.run.status != RunStatus::Running {
            return;
        }
        self.run.status = RunStatus::Paused;
        self.run.reason = Some(reason.clone());
        self.record(Event::RunPaused { reason });
        self.withdraw_unbegun(0, "the run is paused");
    }

    /// Cancels every step of a frame that has not begun, waits, and questions to people; the rest is for agents to end.
    pub fn call_off(&mut self, frame: usize) {
        self.withdraw_unbegun(frame, "the run starts nothing new");
        for index in 0..self.run.steps.len() {
            let state = &self.run.steps[index];
            let pending = match state.status {
                Status::Waiting | Status::AwaitingApproval => true,
                Status::Running => state.current().is_none() && !self.is_group(index),
                _ => false,
            };
            if pending && self.run.is_within(index, frame) {
                self.cancel_step(index);
            }
        }
    }

    /// The step will not happen in this run.
    pub fn cancel_step(&mut self, index: StepIndex) {
        if self.was_begun_in_lost_time(index) {
            return;
        }
        self.let_go(index);
        let reason = self.run.frames[self.run.steps[index].origin.frame].reason.clone();
        self.turn_to(index, Status::Canceled, reason.or(self.run.reason.clone()));
        let step = self.name(index);
        self.record(Event::StepCanceled { step });
    }

    /// Takes back every attempt of a frame that is provably not started (semantics R2).
    pub(crate) fn withdraw_unbegun(&mut self, frame: usize, reason: &str) {
        let open: Vec<_> = self.run.open.iter().copied().collect();
        for index in open {
            let state = &self.run.steps[index];
            let attempt = state.current().filter(|_| state.direction == Direction::Do);
            let unbegun = attempt.is_some_and(|attempt| attempt.is_under_way() && attempt.begun.is_none());
            if unbegun && self.run.is_within(index, frame) {
                self.withdraw(index, reason);
            }
        }
    }

    /// Takes an attempt back that is provably not started: from now on its Begin is refused.
    pub fn withdraw(&mut self, index: StepIndex, reason: &str) {
        let (step, number) =
            self.end_attempt(index, Outcome::Failed, Some(format!("never started: {reason}")));
        self.disprove(index);
        let direction = self.run.steps[index].direction;
        self.record(Event::AttemptWithdrawn { step, attempt: number, reason: reason.to_owned(), direction });
        self.let_go(index);
        self.unlock(index);
        let next = match self.run.steps[index].direction {
            Direction::Do => Status::Waiting,
            Direction::Undo => Status::Undoing,
        };
        self.state(index).idle = true;
        self.turn_to(index, next, None);
    }

    /// The newest attempt did not happen: no probe need be asked about it any more. (What may be repeated has none, and
    /// of it an earlier attempt may have acted.)
    pub(crate) fn disprove(&mut self, index: StepIndex) {
        if let Some(attempt) = self.attempt(index) {
            attempt.disproven |= !attempt.idempotent;
        }
    }

    /// Writes an attempt's end down, once, and gives back the step's name and the attempt's number.
    pub fn end_attempt(
        &mut self,
        index: StepIndex,
        outcome: Outcome,
        reason: Option<String>,
    ) -> (String, u32) {
        let (at, step) = (self.at, self.name(index));
        let Some(attempt) = self.attempt(index) else {
            return (step, 0);
        };
        attempt.outcome = attempt.outcome.or(Some(outcome));
        attempt.ended = attempt.ended.or(Some(at));
        attempt.reason = reason.or(attempt.reason.take());
        (step, attempt.number)
    }

    /// No agent holds anything of this step any more, and nothing is drawn for it.
    pub fn let_go(&mut self, index: StepIndex) {
        let state = &self.run.steps[index];
        let attempt = state.attempt().map(|attempt| (Speaker::clone(&attempt.speaker), attempt.token));
        let question = state.question.as_ref().map(|asked| (asked.speaker.clone(), asked.token));
        for (speaker, token) in attempt.into_iter().chain(question) {
            self.agents.release(&speaker, token, self.at.index);
        }
        // An answer that comes after all this is about nothing any more.
        self.state(index).question = None;
        if let Some(attempt) = self.attempt(index) {
            attempt.stopping = false;
        }
        self.resources.give_back(&self.step(index).draws, &self.run.id, index);
    }

    /// The step's locks are free for others.
    fn unlock(&mut self, index: StepIndex) {
        let owner = self.owner(Some(index));
        let locks = std::mem::take(&mut self.state(index).locks);
        self.locks.release(&locks, &owner);
    }
}
