//! What becomes of an attempt whose outcome is not known, or that may not simply be repeated.
//!
//! One pure decision ([`decide`]) over what is known, and the moves that carry it out. The same
//! decision serves a lost agent, a timeout, a killed process and a failure before its retry.

use baton_plan::plan::{StepIndex, Work};

use crate::chain;
use crate::event::Event;
use crate::sabotage::{self, Bug};
use crate::scope::{self, RunScope, environment};
use crate::step::{Answered, Attempt, Direction, Outcome, Question, Status, StepState};
use crate::turn::Turn;

/// Executors that a step may lose before it counts as failed: each loss was proven harmless, but
/// a step that kills its host must not be tried for ever.
const LOSSES_ALLOWED: u32 = 10;

/// What to do about a doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Ask the probe.
    Ask,
    /// A probe is being asked.
    Await,
    /// It took effect.
    Happened,
    /// It provably did not, or repeating it is harmless: attempt it again.
    Again(String),
    /// Only new facts or a person can settle it.
    Park(String),
}

/// Decides on a current attempt that lapsed, or ended without success. Sources: semantics R5 and
/// the matrix's columns I, P and N.
pub fn decide(work: &Work, state: &StepState, attempt: &Attempt) -> Verdict {
    let can_act_no_more = attempt.gone || work.fenced;
    let agent = &attempt.speaker.agent;
    let said_failed = attempt.outcome == Some(Outcome::Failed);
    if work.idempotent {
        return match work.strict && !can_act_no_more {
            false => Verdict::Again(format!("{agent} did not finish it, and repeating it is harmless")),
            true => Verdict::Park(format!(
                "{agent} was lost while doing it, and `strict` waits for proof that it can act no more"
            )),
        };
    }
    if work.probe.is_none() {
        return match said_failed || sabotage::planted(Bug::RetryUnknown) {
            true => Verdict::Again("its exit code says that nothing happened".into()),
            false => Verdict::Park(format!("{}, and there is no probe to ask", what_is_known(attempt))),
        };
    }
    match state.question.as_deref() {
        None => Verdict::Ask,
        Some(Question { answer: None, .. }) => Verdict::Await,
        Some(Question { answer: Some(Answered::Happened), .. }) => Verdict::Happened,
        Some(Question { answer: Some(Answered::DidNotHappen), asked_after_end, .. }) => {
            let counts = *asked_after_end || work.fenced || sabotage::planted(Bug::ProbeBeforeQuiescence);
            match (counts, can_act_no_more) {
                (true, _) => Verdict::Again("its probe says that it did not happen".into()),
                (false, true) => Verdict::Ask,
                (false, false) => Verdict::Park(format!(
                    "its probe says that it did not happen, but {agent} is silent and could still act on it"
                )),
            }
        }
        Some(Question { answer: Some(Answered::Unknown), .. }) => {
            Verdict::Park(format!("{}, and its probe cannot tell", what_is_known(attempt)))
        }
    }
}

/// A probe can tell whether the newest attempt took effect although it failed: it is asked before there is another one,
/// every time (semantics section 4, rule 2).
pub fn asks_first(work: &Work, state: &StepState) -> bool {
    let says_nothing_happened =
        |attempt: &Attempt| attempt.exit_code.is_some_and(|code| work.no_effect.contains(&code));
    let may_have_acted =
        |attempt: &Attempt| attempt.begun.is_some() && !attempt.disproven && !says_nothing_happened(attempt);
    !work.idempotent && work.probe.is_some() && state.current().is_some_and(may_have_acted)
}

/// What is known of an attempt without a result.
fn what_is_known(attempt: &Attempt) -> String {
    let agent = &attempt.speaker.agent;
    let it = match attempt.direction {
        Direction::Do => "it",
        Direction::Undo => "its undo",
    };
    if let (Some(Outcome::Failed), Some(code)) = (attempt.outcome, attempt.exit_code) {
        return format!("{agent} began {it}, which failed with exit code {code}");
    }
    match (attempt.lapsed, attempt.gone) {
        (true, false) => format!("{agent} began {it} and fell silent"),
        (_, true) => match &attempt.reason {
            Some(reason) => format!("{agent} began {it}, which ended without an answer ({reason})"),
            None => format!("{agent} began {it}, which ended without an answer"),
        },
        (false, false) => format!("{agent} began {it}"),
    }
}

impl Turn<'_> {
    /// Carries out what [`decide`] says about a step's current attempt.
    pub(crate) fn settle_doubt(&mut self, index: StepIndex) {
        let state = &self.run.steps[index];
        let Some(attempt) = state.current() else { return };
        let in_doubt = attempt.lapsed || attempt.outcome.is_some_and(|outcome| outcome != Outcome::Succeeded);
        if !in_doubt || state.idle || state.unjudged.is_some() || !state.status.is_open() {
            return;
        }
        match decide(self.work(index), state, attempt) {
            Verdict::Ask => self.ask(index),
            Verdict::Await => {}
            Verdict::Happened => {
                self.end_attempt(index, Outcome::Unknown, None);
                let said = match self.run.steps[index].direction {
                    Direction::Do => "its probe says that it happened",
                    Direction::Undo => "its probe says so",
                };
                self.succeed(index, Some(said.into()));
            }
            Verdict::Again(reason) => {
                let answer = state.question.as_ref().and_then(|asked| asked.answer);
                if answer == Some(Answered::DidNotHappen)
                    && let Some(attempt) = self.attempt(index)
                {
                    attempt.disproven = true;
                }
                self.again(index, reason);
            }
            Verdict::Park(reason) => self.park(index, reason),
        }
    }

    /// The newest attempt is in question once more: what its probe says decides whether there is another.
    pub(crate) fn question_again(&mut self, index: StepIndex) {
        self.state(index).idle = false;
        let (status, said) = (self.under_way(index), self.run.steps[index].reason.clone());
        self.turn_to(index, status, said);
        self.settle_doubt(index);
    }

    /// What the probe said before does not count any more.
    pub(crate) fn let_go_of_question(&mut self, index: StepIndex) {
        if let Some(asked) = self.state(index).question.take() {
            self.agents.release(&asked.speaker, asked.token, self.at.index);
        }
    }

    /// Asks the probe, if anybody can.
    fn ask(&mut self, index: StepIndex) {
        let region = self.run.steps[index].region.clone().unwrap_or_default();
        let Some(agent) = self.agent_for(&region, 0) else {
            let known = self.run.steps[index].attempt().map(what_is_known).unwrap_or_default();
            let nobody = self.nobody(&region).text();
            self.park(index, format!("{known}, and nobody can ask its probe: {nobody}"));
            return;
        };
        let speaker = agent.join.speaker.clone();
        let token = self.next_token();
        let state = self.state(index);
        let gone = state.attempt().is_some_and(|attempt| attempt.gone);
        let number = state.attempts.len() as u32;
        let question = Question { token, speaker: speaker.clone(), asked_after_end: gone, answer: None };
        // An answer from before may have been waited for by another agent.
        let earlier = state.question.replace(Box::new(question));
        if let Some(earlier) = earlier {
            self.agents.release(&earlier.speaker, earlier.token, self.at.index);
        }
        self.agents.hold(&speaker, token, &self.run.id, index, self.at.index);
        let asking = match self.run.steps[index].direction {
            Direction::Do => "asking its probe whether it happened",
            Direction::Undo => "asking its probe whether it was undone",
        };
        self.turn_to(index, Status::Probing, Some(asking.into()));
        let step = self.name(index);
        let direction = self.run.steps[index].direction;
        self.record(Event::ProbeAsked { step, attempt: number, token, agent: speaker.agent, direction });
    }

    /// The step may be attempted again: at once where its executor was lost, after the backoff
    /// where the action failed by its own word.
    pub(crate) fn again(&mut self, index: StepIndex, reason: String) {
        let direction = self.run.steps[index].direction;
        if direction == Direction::Do && !self.is_going(index) {
            return self.not_again(index);
        }
        let lapsed =
            self.run.steps[index].attempt().is_some_and(|attempt| attempt.lapsed && attempt.is_under_way());
        if lapsed && self.work(index).idempotent && !self.has_another_agent(index) {
            // Its agent may still come back with the result.
            let region = self.run.steps[index].region.clone().unwrap_or_default();
            let reason = format!("its agent is silent, and no other agent in {region} has a free slot");
            if self.run.steps[index].reason.as_deref() != Some(&reason) {
                let status = self.under_way(index);
                self.turn_to(index, status, Some(reason));
            }
            return;
        }
        let (step, attempt) = self.end_attempt(index, Outcome::Unknown, None);
        self.let_go(index);
        let after_ms = self.pause_before_next(index);
        if self.run.steps[index].losses > LOSSES_ALLOWED {
            self.fail(index, format!("{LOSSES_ALLOWED} attempts were lost without an answer"));
            return;
        }
        let now_ms = self.now_ms();
        let state = self.state(index);
        state.not_before_ms = now_ms + after_ms;
        (state.question, state.idle) = (None, true);
        let status = match direction {
            Direction::Do => Status::Waiting,
            Direction::Undo => Status::Undoing,
        };
        let until = match after_ms {
            0 => String::new(),
            after_ms => format!("; attempted again after {}", baton_plan::duration::written(after_ms)),
        };
        self.turn_to(index, status, Some(format!("{reason}{until}")));
        self.record(Event::StepRetrying { step, attempt, after_ms, reason, direction });
    }

    /// Nothing is attempted again any more. What may have happened and is to be taken back is undone all the same, if
    /// that is harmless (semantics section 4, rule 4).
    fn not_again(&mut self, index: StepIndex) {
        let (state, work) = (&self.run.steps[index], self.work(index));
        let under_way = state.current().is_some_and(Attempt::is_under_way);
        let may_have_happened = (under_way || state.may_have_acted()) && work.idempotent && state.unwind;
        match self.step(index).undo.as_ref().filter(|_| may_have_happened) {
            Some(undo) if undo.idempotent => {
                self.end_attempt(index, Outcome::Unknown, None);
                self.let_go(index);
                self.begin_undo(index);
            }
            Some(_) => {
                let agent = state.current().map_or("its agent", |attempt| &attempt.speaker.agent);
                let why = format!(
                    "{agent} did not finish it; whether it happened is not known, and its undo is not idempotent"
                );
                self.park(index, why);
            }
            None => {
                self.end_attempt(index, Outcome::Unknown, None);
                self.cancel_step(index);
            }
        }
    }

    /// What a step is while an attempt of it is under way.
    pub(crate) fn under_way(&self, index: StepIndex) -> Status {
        match self.run.steps[index].direction {
            Direction::Do => Status::Running,
            Direction::Undo => Status::Undoing,
        }
    }

    /// Somebody else could do the step at once.
    fn has_another_agent(&self, index: StepIndex) -> bool {
        let region = self.run.steps[index].region.as_deref().unwrap_or_default();
        self.agent_for(region, 1).is_some()
    }

    /// Counts the attempt that ended, and tells how long to wait before the next, milliseconds.
    fn pause_before_next(&mut self, index: StepIndex) -> u64 {
        let retry = self.work(index).retry;
        let identity = (self.run.id.clone(), index, self.run.steps[index].attempts.len());
        let state = self.state(index);
        if state.attempt().is_some_and(|attempt| attempt.outcome == Some(Outcome::Failed)) {
            let doubled = 1u64.checked_shl(state.failures.saturating_sub(1)).unwrap_or(u64::MAX);
            let whole_ms = retry.backoff_ms.saturating_mul(doubled).min(retry.max_backoff_ms);
            return jittered(whole_ms, retry.jitter_percent, chain::digest(&identity));
        }
        state.losses += 1;
        match state.losses {
            1 => 0,
            losses => (250u64 << losses.min(7)).min(30_000),
        }
    }

    /// Nothing but new facts or a person can settle it.
    fn park(&mut self, index: StepIndex, reason: String) {
        let state = &self.run.steps[index];
        if state.status == Status::InDoubt && state.reason.as_deref() == Some(&reason) {
            return;
        }
        self.turn_to(index, Status::InDoubt, Some(reason.clone()));
        let (step, attempt) = (self.name(index), self.run.steps[index].attempts.len() as u32);
        let direction = self.run.steps[index].direction;
        self.record(Event::StepInDoubt { step, attempt, reason, direction });
    }
}

/// A pause with a part of it left to chance, so that what failed together is not tried again together. The chance is
/// the attempt's identity: every member, and every replay, comes to the same pause.
fn jittered(whole_ms: u64, percent: u32, chance: u64) -> u64 {
    let most_ms = u128::from(whole_ms) * u128::from(percent.min(100)) / 100;
    // FNV's low bits are its better ones; the division spreads them evenly over the part.
    let less_ms = most_ms * u128::from(chance >> 32 ^ chance & 0xffff_ffff) / u128::from(u32::MAX);
    whole_ms - less_ms as u64
}

/// The probe of a step's attempt as its agent performs it; `None` where there is none.
pub(crate) fn question_assignment(scope: &RunScope<'_>) -> Option<crate::effect::Assignment> {
    let RunScope { run, plans, index } = *scope;
    let state = &run.steps[index];
    let work = scope::work(run, plans, index);
    let (question, probe, attempt) = (state.question.as_ref()?, work.probe.as_ref()?, state.attempt()?);
    let call = crate::effect::call(&probe.command, |template| template.render(scope)).ok()?;
    Some(crate::effect::Assignment {
        key: crate::command::AttemptKey {
            run: run.id.clone(),
            step: scope::name(run, plans, index),
            attempt: attempt.number,
            token: question.token,
        },
        probe: true,
        idempotent: true,
        action: crate::effect::Performed::Call(call),
        environment: environment(scope, attempt),
        timeout_ms: probe.timeout_ms,
    })
}
