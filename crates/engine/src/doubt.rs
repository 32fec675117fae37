//! What becomes of an attempt whose outcome is not known, or that may not simply be repeated.
//!
//! One pure decision ([`decide`]) over what is known, and the moves that carry it out. The same
//! decision serves a lost agent, a timeout, a killed process and a failure before its retry.

use baton_plan::plan::{Step, StepIndex};

use crate::event::Event;
use crate::grant::{RunScope, environment};
use crate::run::Heading;
use crate::step::{Answered, Attempt, Outcome, Question, Status, StepState};
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
pub fn decide(step: &Step, state: &StepState, attempt: &Attempt) -> Verdict {
    let can_act_no_more = attempt.gone || step.fenced;
    let agent = &attempt.speaker.agent;
    let said_failed = attempt.outcome == Some(Outcome::Failed);
    if step.idempotent {
        return match step.strict && !can_act_no_more {
            false => Verdict::Again(format!("{agent} did not finish it, and repeating it is harmless")),
            true => Verdict::Park(format!(
                "{agent} was lost while doing it, and `strict` waits for proof that it can act no more"
            )),
        };
    }
    if step.probe.is_none() {
        return match said_failed {
            true => Verdict::Again("its exit code says that nothing happened".into()),
            false => Verdict::Park(format!("{} and there is no probe to ask", what_is_known(attempt))),
        };
    }
    match state.question.as_ref() {
        None => Verdict::Ask,
        Some(Question { answer: None, .. }) => Verdict::Await,
        Some(Question { answer: Some(Answered::Happened), .. }) => Verdict::Happened,
        Some(Question { answer: Some(Answered::DidNotHappen), asked_after_end, .. }) => {
            match (*asked_after_end || step.fenced, can_act_no_more) {
                (true, _) => Verdict::Again("its probe says that it did not happen".into()),
                (false, true) => Verdict::Ask,
                (false, false) => Verdict::Park(format!(
                    "its probe says that it did not happen, but {agent} is silent and could still act on it"
                )),
            }
        }
        Some(Question { answer: Some(Answered::Unknown), .. }) => {
            Verdict::Park(format!("{} and its probe cannot tell", what_is_known(attempt)))
        }
    }
}

/// What is known of an attempt without a result.
fn what_is_known(attempt: &Attempt) -> String {
    let agent = &attempt.speaker.agent;
    match (attempt.lapsed, attempt.gone) {
        (true, false) => format!("{agent} began it and fell silent"),
        (_, true) => match &attempt.reason {
            Some(reason) => format!("{agent} began it and it ended without an answer ({reason})"),
            None => format!("{agent} began it and it ended without an answer"),
        },
        (false, false) => format!("{agent} began it"),
    }
}

impl Turn<'_> {
    /// Carries out what [`decide`] says about a step's current attempt.
    pub(crate) fn settle_doubt(&mut self, index: StepIndex) {
        let state = &self.run.steps[index];
        let Some(attempt) = state.attempt() else { return };
        let in_doubt = attempt.lapsed || attempt.outcome.is_some_and(|outcome| outcome != Outcome::Succeeded);
        if !in_doubt || state.status.is_settled() || state.status == Status::Waiting {
            return;
        }
        match decide(self.step(index), state, attempt) {
            Verdict::Ask => self.ask(index),
            Verdict::Await => {}
            Verdict::Happened => {
                self.end_attempt(index, Outcome::Unknown, None);
                self.succeed(index, Some("its probe says that it happened".into()));
            }
            Verdict::Again(reason) => self.again(index, reason),
            Verdict::Park(reason) => self.park(index, reason),
        }
    }

    /// Asks the probe, if anybody can.
    fn ask(&mut self, index: StepIndex) {
        let region = self.run.steps[index].region.clone().unwrap_or_default();
        let Some(agent) = self.agents.choose(&region, 0) else {
            let known = self.run.steps[index].attempt().map(what_is_known).unwrap_or_default();
            self.park(index, format!("{known} and no agent in {region} is live to ask its probe"));
            return;
        };
        let speaker = agent.join.speaker.clone();
        let token = self.next_token();
        let state = self.state(index);
        let gone = state.attempt().is_some_and(|attempt| attempt.gone);
        let number = state.attempts.len() as u32;
        let question = Question { token, speaker: speaker.clone(), asked_after_end: gone, answer: None };
        // An answer from before may have been waited for by another agent.
        let earlier = state.question.replace(question);
        if let Some(earlier) = earlier {
            self.agents.release(&earlier.speaker, earlier.token, self.at.index);
        }
        self.agents.hold(&speaker, token, &self.run.id, index, self.at.index);
        self.turn_to(index, Status::Probing, Some("asking its probe whether it happened".into()));
        let step = self.name(index);
        self.record(Event::ProbeAsked { step, attempt: number, token, agent: speaker.agent });
    }

    /// The step may be attempted again: at once where its executor was lost, after the backoff
    /// where the action failed by its own word.
    pub(crate) fn again(&mut self, index: StepIndex, reason: String) {
        if self.run.heading != Heading::Through {
            self.end_attempt(index, Outcome::Unknown, None);
            self.cancel_step(index);
            return;
        }
        let lapsed =
            self.run.steps[index].attempt().is_some_and(|attempt| attempt.lapsed && attempt.is_under_way());
        if lapsed && self.step(index).idempotent && !self.has_another_agent(index) {
            // Its agent may still come back with the result.
            let region = self.run.steps[index].region.clone().unwrap_or_default();
            let reason = format!("its agent is silent, and no other agent in {region} has a free slot");
            if self.run.steps[index].reason.as_deref() != Some(&reason) {
                self.turn_to(index, Status::Running, Some(reason));
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
        state.question = None;
        self.turn_to(index, Status::Waiting, Some(reason.clone()));
        self.record(Event::StepRetrying { step, attempt, after_ms, reason });
    }

    /// Somebody else could do the step at once.
    fn has_another_agent(&self, index: StepIndex) -> bool {
        let region = self.run.steps[index].region.as_deref().unwrap_or_default();
        self.agents.choose(region, 1).is_some()
    }

    /// Counts the attempt that ended, and tells how long to wait before the next, milliseconds.
    fn pause_before_next(&mut self, index: StepIndex) -> u64 {
        let retry = self.step(index).retry;
        let state = self.state(index);
        if state.attempt().is_some_and(|attempt| attempt.outcome == Some(Outcome::Failed)) {
            let doubled = 1u64.checked_shl(state.failures.saturating_sub(1)).unwrap_or(u64::MAX);
            return retry.backoff_ms.saturating_mul(doubled).min(retry.max_backoff_ms);
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
        self.record(Event::StepInDoubt { step, attempt, reason });
    }
}

/// The probe of a step's attempt as its agent performs it; `None` where there is none.
pub(crate) fn question_assignment(
    scope: &RunScope<'_>,
    index: StepIndex,
) -> Option<crate::effect::Assignment> {
    let RunScope { run, version } = scope;
    let state = &run.steps[index];
    let step = &version.plan.steps[index];
    let (question, probe, attempt) = (state.question.as_ref()?, step.probe.as_ref()?, state.attempt()?);
    let argv = crate::effect::argv(&probe.command, |template| template.render(scope)).ok()?;
    Some(crate::effect::Assignment {
        key: crate::command::AttemptKey {
            run: run.id.clone(),
            step: step.name.clone(),
            attempt: attempt.number,
            token: question.token,
        },
        probe: true,
        idempotent: true,
        action: crate::effect::Performed::Command(argv),
        environment: environment(scope, index, attempt),
        timeout_ms: probe.timeout_ms,
    })
}
