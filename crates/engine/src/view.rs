//! What is read off the state: effects for agents, and expressions for the leader.

use baton_plan::expression::Expression;
use baton_plan::plan::{Action, StepIndex};

use crate::command::{AttemptKey, Subject};
use crate::doubt::question_assignment;
use crate::effect::{self, Assignment, Effect, Evaluation};
use crate::plans::Plans;
use crate::run::{Run, Status as RunStatus};
use crate::scope::{self, RunScope, environment, facts};
use crate::state::State;
use crate::turn::Turn;

impl State {
    /// What an agent should be told now and was not: by token, and whether it is a stop. A new leader has told it nothing,
    /// asks the same, and gets the same answer.
    pub fn effects_for(&self, agent: &str, was_told: impl Fn(u64, bool) -> bool) -> Vec<Effect> {
        let Some(agent) = self.agents.by_name.get(agent).filter(|agent| agent.live) else {
            return Vec::new();
        };
        let open = agent.open.iter();
        open.filter_map(|(token, (run, index))| self.effect(*token, run, *index, &was_told)).collect()
    }

    fn effect(
        &self,
        token: u64,
        run: &str,
        index: StepIndex,
        was_told: impl Fn(u64, bool) -> bool,
    ) -> Option<Effect> {
        let run = self.runs.get(run)?;
        let state = &run.steps[index];
        let attempt = state.attempt().filter(|attempt| attempt.token == token);
        // An agent may hold thousands, and hears of each once: nothing is put together for those that it knows.
        if was_told(token, attempt.is_some_and(|attempt| attempt.stopping)) {
            return None;
        }
        let scope = RunScope { run, plans: &self.plans, index };
        if state.question.as_ref().is_some_and(|asked| asked.token == token) {
            return question_assignment(&scope).map(Effect::Assign);
        }
        let attempt = attempt?;
        if self.reckoning.withholds(run, attempt) {
            return None;
        }
        let work = scope::work(run, &self.plans, index);
        let step = scope::name(run, &self.plans, index);
        let key = AttemptKey { run: run.id.clone(), step, attempt: attempt.number, token };
        if attempt.stopping {
            let reason = run.reason.clone().unwrap_or_else(|| "it is done otherwise now".into());
            return Some(Effect::Stop { key, reason });
        }
        let action = effect::performed(&work.action, |template| template.render(&scope))?.ok()?;
        Some(Effect::Assign(Assignment {
            key,
            probe: false,
            idempotent: work.idempotent,
            action,
            environment: environment(&scope, attempt),
            timeout_ms: work.timeout_ms,
        }))
    }

    /// Expressions that wait to be evaluated.
    pub fn evaluations(&self) -> Vec<Evaluation> {
        let mut evaluations = Vec::new();
        for id in &self.curious {
            let run = &self.runs[id];
            for (index, subject, expression) in questions(run, &self.plans) {
                let step = scope::name(run, &self.plans, index);
                let facts = facts(&RunScope { run, plans: &self.plans, index }, subject);
                evaluations.push(Evaluation { run: id.clone(), step, subject, expression, facts });
            }
        }
        evaluations
    }
}

impl Turn<'_> {
    /// An expression of the run waits to be evaluated.
    pub(crate) fn wants_evaluation(&self) -> bool {
        !self.run.status.has_ended() && questions(self.run, self.plans).next().is_some()
    }
}

/// The expressions of a run that are to be evaluated now.
fn questions<'a>(
    run: &'a Run,
    plans: &'a Plans,
) -> impl Iterator<Item = (StepIndex, Subject, Expression)> + 'a {
    let going = run.status == RunStatus::Running && !run.queued;
    let ready = run.attention.keen(&run.ready).filter(move |_| going);
    let before = ready.filter_map(|index| question_before(run, plans, index));
    let after = run.attention.restless(&run.open).filter_map(|index| {
        let state = &run.steps[index];
        let (_, attempt) = (state.unjudged.as_ref()?, state.attempt()?);
        let success = scope::work(run, plans, index).success.clone()?;
        Some((index, Subject::Success(attempt.token), success))
    });
    before.chain(after)
}

/// The expression that decides whether, or how, a ready step begins.
fn question_before(run: &Run, plans: &Plans, index: StepIndex) -> Option<(StepIndex, Subject, Expression)> {
    let (state, step) = (&run.steps[index], scope::step(run, plans, index));
    if state.origin.item.is_none() && state.when.is_none() && step.when.is_some() {
        return Some((index, Subject::When, step.when.clone()?));
    }
    match &scope::work(run, plans, index).action {
        Action::Gate(gate) if state.gate.is_none() && state.when != Some(false) => {
            Some((index, Subject::Gate, gate.expression.clone()))
        }
        _ => None,
    }
}
