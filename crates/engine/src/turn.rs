//! One run's turn: everything that it needs in order to move, and the only moves there are.

use std::cmp::Reverse;

use baton_plan::plan::{OnFailure, Step, StepIndex};

use crate::agents::Agents;
use crate::event::Event;
use crate::plans::PlanVersion;
use crate::run::{Heading, Run, Status as RunStatus};
use crate::stamp::Moment;
use crate::step::{Attempt, Outcome, Status, StepState};

/// Borrowed pieces of the state while one run moves.
pub struct Turn<'a> {
    /// The run.
    pub run: &'a mut Run,
    /// Its plan.
    pub version: &'a PlanVersion,
    /// Every agent.
    pub agents: &'a mut Agents,
    /// The last token granted; the next is one more.
    pub tokens: &'a mut u64,
    /// When.
    pub at: Moment,
}

impl Turn<'_> {
    /// Cluster time now.
    pub fn now_ms(&self) -> u64 {
        self.at.stamp.time_ms
    }

    /// What the plan says of a step.
    pub fn step(&self, index: StepIndex) -> &Step {
        &self.version.plan.steps[index]
    }

    /// A step's name, for events.
    pub fn name(&self, index: StepIndex) -> String {
        self.step(index).name.clone()
    }

    /// Where a step stands.
    pub fn state(&mut self, index: StepIndex) -> &mut StepState {
        self.run.steps[index].changed = self.at.index;
        &mut self.run.steps[index]
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

    /// Moves a step along its transition table.
    pub fn turn_to(&mut self, index: StepIndex, next: Status, reason: Option<String>) {
        let rank = self.rank(index);
        let state = self.state(index);
        debug_assert!(
            state.status == next || state.status.may_become(next),
            "{:?} may not become {next:?}",
            state.status
        );
        state.status = next;
        state.reason = reason;
        let ready = next == Status::Waiting && state.unmet == 0;
        let open = matches!(next, Status::Running | Status::Probing | Status::InDoubt);
        if ready {
            self.run.ready.insert(rank)
        } else {
            self.run.ready.remove(&rank)
        };
        if open {
            self.run.open.insert(index)
        } else {
            self.run.open.remove(&index)
        };
    }

    /// A step's place among the ready ones: the longest way to the end of the plan first.
    pub fn rank(&self, index: StepIndex) -> (Reverse<u64>, StepIndex) {
        (Reverse(self.version.graph.remaining_ms(index)), index)
    }

    /// The step is done, whichever way: those that need it come closer to being ready.
    fn done(&mut self, index: StepIndex) {
        for dependent in self.version.graph.dependents(index) {
            let now_ms = self.now_ms();
            let rank = self.rank(*dependent);
            let state = self.state(*dependent);
            state.unmet -= 1;
            if state.unmet == 0 && state.status == Status::Waiting {
                state.ready_ms = Some(now_ms);
                self.run.ready.insert(rank);
            }
        }
    }

    /// The step took effect.
    pub fn succeed(&mut self, index: StepIndex, reason: Option<String>) {
        self.let_go(index);
        self.turn_to(index, Status::Succeeded, reason.clone());
        let step = self.name(index);
        self.record(Event::StepSucceeded { step, reason });
        self.done(index);
    }

    /// The step's condition is false.
    pub fn skip(&mut self, index: StepIndex) {
        self.turn_to(index, Status::Skipped, Some("its condition is false".into()));
        let step = self.name(index);
        self.record(Event::StepSkipped { step });
        self.done(index);
    }

    /// The step has failed for good; what that does to the run is the plan's word.
    pub fn fail(&mut self, index: StepIndex, reason: String) {
        self.let_go(index);
        self.turn_to(index, Status::Failed, Some(reason.clone()));
        let (step, optional) = (self.name(index), self.step(index).optional);
        self.record(Event::StepFailed { step: step.clone(), reason: reason.clone(), optional });
        if optional {
            self.run.exceptions += 1;
            self.done(index);
            return;
        }
        if self.run.heading != Heading::Through {
            return;
        }
        match self.step(index).on_failure {
            OnFailure::Stop => {
                self.run.heading = Heading::Failing;
                self.run.reason = Some(format!("step {step} failed: {reason}"));
                self.record(Event::RunFailing { step });
                self.call_off();
            }
            OnFailure::Pause => self.pause(format!("step {step} failed: {reason}")),
        }
    }

    /// Nothing new starts until an operator says so.
    pub fn pause(&mut self, reason: String) {
        if self.run.status != RunStatus::Running {
            return;
        }
        self.run.status = RunStatus::Paused;
        self.run.reason = Some(reason.clone());
        self.record(Event::RunPaused { reason });
        self.withdraw_unbegun("the run is paused");
    }

    /// Cancels every step that has not begun; the rest is for their agents to end.
    pub fn call_off(&mut self) {
        self.withdraw_unbegun("the run starts nothing new");
        let waiting: Vec<_> = self.run.steps_in(Status::Waiting).collect();
        for index in waiting {
            self.cancel_step(index);
        }
    }

    /// The step will not happen in this run.
    pub fn cancel_step(&mut self, index: StepIndex) {
        self.let_go(index);
        self.turn_to(index, Status::Canceled, self.run.reason.clone());
        let step = self.name(index);
        self.record(Event::StepCanceled { step });
    }

    /// Takes back every attempt that is provably not started (semantics R2).
    fn withdraw_unbegun(&mut self, reason: &str) {
        let open: Vec<_> = self.run.open.iter().copied().collect();
        for index in open {
            let attempt = self.run.steps[index].attempt();
            if attempt.is_some_and(|attempt| attempt.is_under_way() && attempt.begun.is_none()) {
                self.withdraw(index, reason);
            }
        }
    }

    /// Takes an attempt back that is provably not started: from now on its Begin is refused.
    pub fn withdraw(&mut self, index: StepIndex, reason: &str) {
        let (step, number) =
            self.end_attempt(index, Outcome::Failed, Some(format!("never started: {reason}")));
        self.record(Event::AttemptWithdrawn { step, attempt: number, reason: reason.to_owned() });
        self.let_go(index);
        self.turn_to(index, Status::Waiting, None);
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

    /// No agent holds anything of this step any more.
    pub fn let_go(&mut self, index: StepIndex) {
        let state = &self.run.steps[index];
        let attempt = state.attempt().map(|attempt| (attempt.speaker.clone(), attempt.token));
        let question = state.question.as_ref().map(|asked| (asked.speaker.clone(), asked.token));
        for (speaker, token) in attempt.into_iter().chain(question) {
            self.agents.release(&speaker, token, self.at.index);
        }
        if let Some(attempt) = self.attempt(index) {
            attempt.stopping = false;
        }
    }
}
