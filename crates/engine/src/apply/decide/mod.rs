//! What people decide about runs, one file a decision. The order of the log decides between two of them; the later
//! one is told what became of the earlier.

mod approve;
mod cancel;
mod escalate;
mod pause;
mod resolve;
mod resume;
mod retry;
mod skip;
mod undo;

use baton_plan::plan::StepIndex;

use super::decided;
use crate::command::{Choice, Decision, Reply, Request, Resolution};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::run::Run;
use crate::scope;
use crate::stamp::Moment;
use crate::state::State;
use crate::step::{Direction, Outcome, Status};
use crate::turn::Turn;

/// One person's word on one step.
#[derive(Clone, Copy)]
struct Word<'a> {
    request: &'a Request,
    run: &'a str,
    step: &'a str,
    choice: Choice,
    reason: &'a str,
}

impl State {
    pub(super) fn decide(
        &mut self,
        at: Moment,
        request: &Request,
        run: &str,
        decision: &Decision,
        reason: &str,
    ) -> Reply {
        match decision {
            Decision::Pause => self.pause_run(at, request, run, reason),
            Decision::Resume => self.resume_run(at, request, run, reason),
            Decision::Cancel { undo } => self.cancel_run(at, request, run, *undo, reason),
            Decision::Undo => self.undo_run(at, request, run, reason),
            Decision::Escalate { step } => self.escalate(at, request, run, step.as_deref(), reason),
            Decision::Step { step, choice } => {
                self.decide_step(at, &Word { request, run, step, choice: *choice, reason })
            }
        }
    }

    fn decide_step(&mut self, at: Moment, word: &Word<'_>) -> Reply {
        let run = self.run(word.run)?;
        let missing = || Rejection::NotFound(format!("run `{}` has no step `{}`", word.run, word.step));
        let index = scope::find(run, &self.plans, word.step).ok_or_else(missing)?;
        if run.status.has_ended() {
            let why = run.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            let refusal = word.refused(&format!("the run has ended: {}{why}", run.status.word()));
            return Err(name_the_earlier(run, word.step, refusal));
        }
        let needs_reason = matches!(word.choice, Choice::Override | Choice::Skip | Choice::Resolve(_));
        if needs_reason && word.reason.trim().is_empty() {
            return Err(Rejection::Invalid("a decision needs a reason; give it with `--reason`".into()));
        }
        self.with_run(at, word.run, |turn| {
            let done = match word.choice {
                Choice::Approve | Choice::Decline | Choice::Finish | Choice::Override => {
                    turn.answer(index, word)
                }
                Choice::Skip => turn.skip_by_word(index, word),
                Choice::Retry | Choice::Ask => turn.retry_by_word(index, word),
                Choice::Resolve(resolution) => turn.resolve(index, word, resolution),
            };
            done.map_err(|refusal| name_the_earlier(turn.run, word.step, refusal))?;
            turn.reopen_fan_out_of(index);
            turn.go_on(word);
            Ok(())
        })?;
        decided(word.run)
    }
}

impl Word<'_> {
    /// The reason of what follows from it.
    fn says(&self) -> String {
        let because = if self.reason.is_empty() { String::new() } else { format!(": {}", self.reason) };
        format!("{} says so{because}", self.request.operator)
    }

    fn who_and_why(&self) -> String {
        let because = if self.reason.is_empty() { String::new() } else { format!(": {}", self.reason) };
        format!("{}{because}", self.request.operator)
    }

    fn refused(&self, why: &str) -> Rejection {
        let Word { run, step, choice, .. } = self;
        Rejection::Refused(format!("cannot {} step `{step}` of run `{run}`: {why}", choice.word()))
    }
}

/// The later of two people is told what the earlier one decided, unless the refusal says so already.
fn name_the_earlier(run: &Run, step: &str, refusal: Rejection) -> Rejection {
    let events = run.timeline.iter().rev().map(|record| &record.event);
    let mut decisions = events.filter(|event| {
        let decides = matches!(event, Event::StepDecided { .. } | Event::StepApproved { .. });
        decides && event.step() == Some(step)
    });
    match (refusal, decisions.next()) {
        (Rejection::Refused(why), Some(decision)) if !why.ends_with(')') => {
            Rejection::Refused(format!("{why}; earlier, {}", decision.text()))
        }
        (Rejection::Refused(why), Some(decision)) if why.contains("the run has ended") => {
            Rejection::Refused(format!("{why}; earlier, {}", decision.text()))
        }
        (refusal, _) => refusal,
    }
}

impl Turn<'_> {
    /// Writes a decision on a step down before it is carried out.
    fn note(&mut self, index: StepIndex, word: &Word<'_>) {
        let (step, direction) = (self.name(index), self.run.steps[index].direction);
        self.record(Event::StepDecided {
            direction,
            step,
            choice: word.choice,
            operator: word.request.operator.clone(),
            roles: word.request.roles.clone(),
            reason: word.reason.to_owned(),
        });
    }

    /// A failed item about which somebody has decided opens its fan-out again, to be counted anew.
    fn reopen_fan_out_of(&mut self, index: StepIndex) {
        let state = &self.run.steps[index];
        let Some(parent) = state.origin.parent.filter(|_| state.status != Status::Failed) else { return };
        let failed = &self.run.steps[parent];
        if failed.status == Status::Failed && !failed.done && self.is_going(parent) {
            self.turn_to(parent, Status::Running, None);
        }
    }

    /// A run that a failure paused goes on once every such failure is decided.
    fn go_on(&mut self, word: &Word<'_>) {
        if self.run.paused_by.is_some() && self.undecided_failure().is_none() {
            self.resume(word.request.operator.clone(), format!("{} was decided", word.step));
        }
    }

    /// A person's word that the step's work has, or has not, happened: the attempt is over either way.
    fn take_word(&mut self, index: StepIndex, resolution: Resolution, said: String) {
        let outcome = match resolution {
            Resolution::Succeeded => Outcome::Succeeded,
            Resolution::Failed | Resolution::Retry => Outcome::Failed,
        };
        self.end_attempt(index, outcome, None);
        self.state(index).unjudged = None;
        if let Some(attempt) = self.attempt(index) {
            (attempt.outcome, attempt.cut_short) = (Some(outcome), false);
        }
        match resolution {
            Resolution::Succeeded => self.succeed(index, Some(said)),
            Resolution::Failed => self.fail(index, said),
            Resolution::Retry => {
                self.disprove(index);
                self.attempt_again(index, said);
            }
        }
    }

    /// Lets the step, or its undo, be attempted again at once.
    fn attempt_again(&mut self, index: StepIndex, said: String) {
        self.let_go(index);
        if self.run.steps[index].direction == Direction::Undo {
            let state = self.state(index);
            (state.failures, state.losses, state.not_before_ms) = (0, 0, 0);
            (state.question, state.idle) = (None, true);
            self.turn_to(index, Status::Undoing, Some(said));
            return;
        }
        let going = self.is_going(index);
        self.start_over(index);
        self.state(index).reason = Some(said);
        if !going {
            self.cancel_step(index);
        }
    }
}
