//! What is read off the state: effects for agents, conditions for the leader, and what people ask.

use std::collections::BTreeMap;

use baton_plan::expression::{Facts, StepFacts};
use baton_plan::plan::StepIndex;

use crate::command::AttemptKey;
use crate::doubt::question_assignment;
use crate::effect::{self, Assignment, Effect, Evaluation};
use crate::grant::{RunScope, environment, mode_word};
use crate::plans::PlanVersion;
use crate::run::{Heading, Run, Status as RunStatus};
use crate::state::State;
use crate::step::Status;
use crate::turn::Turn;

impl State {
    /// What an agent should be told now. A new leader asks the same and gets the same answer.
    pub fn effects_for(&self, agent: &str) -> Vec<Effect> {
        let Some(agent) = self.agents.by_name.get(agent).filter(|agent| agent.live) else {
            return Vec::new();
        };
        let open = agent.open.iter();
        open.filter_map(|(token, (run, index))| self.effect(*token, run, *index)).collect()
    }

    fn effect(&self, token: u64, run: &str, index: StepIndex) -> Option<Effect> {
        let run = self.runs.get(run)?;
        let version = self.version_of(run);
        let scope = RunScope { run, version: &version };
        let state = &run.steps[index];
        if state.question.as_ref().is_some_and(|asked| asked.token == token) {
            return question_assignment(&scope, index).map(Effect::Assign);
        }
        let attempt = state.attempt().filter(|attempt| attempt.token == token)?;
        let step = &version.plan.steps[index];
        let key = AttemptKey { run: run.id.clone(), step: step.name.clone(), attempt: attempt.number, token };
        if attempt.stopping {
            let reason = run.reason.clone().unwrap_or_default();
            return Some(Effect::Stop { key, reason });
        }
        let action = effect::performed(&step.action, |template| template.render(&scope))?.ok()?;
        Some(Effect::Assign(Assignment {
            key,
            probe: false,
            idempotent: step.idempotent,
            action,
            environment: environment(&scope, index, attempt),
            timeout_ms: step.timeout_ms,
        }))
    }

    /// Conditions that wait to be evaluated.
    pub fn evaluations(&self) -> Vec<Evaluation> {
        let mut evaluations = Vec::new();
        for id in &self.curious {
            let run = &self.runs[id];
            let version = self.version_of(run);
            for (_, index) in run.ready.iter().filter(|(_, index)| is_curious(run, &version, *index)) {
                let step = &version.plan.steps[*index];
                let Some(expression) = step.when.clone() else { continue };
                let (run, facts) = (id.clone(), facts(run, &version));
                evaluations.push(Evaluation { run, step: step.name.clone(), expression, facts });
            }
        }
        evaluations
    }
}

impl Turn<'_> {
    /// A ready step's condition waits to be evaluated.
    pub(crate) fn wants_evaluation(&self) -> bool {
        let going = self.run.status == RunStatus::Running && self.run.heading == Heading::Through;
        going && self.run.ready.iter().any(|(_, index)| is_curious(self.run, self.version, *index))
    }
}

fn is_curious(run: &Run, version: &PlanVersion, index: StepIndex) -> bool {
    version.plan.steps[index].when.is_some() && run.steps[index].when.is_none()
}

fn facts(run: &Run, version: &PlanVersion) -> Facts {
    let kind =
        |name: &str| version.plan.params.iter().find(|param| param.name == name).map(|param| param.kind);
    let params =
        run.params.iter().filter_map(|(name, value)| Some((name.clone(), (kind(name)?, value.clone()))));
    let steps = version.plan.steps.iter().zip(&run.steps).filter(|(_, state)| state.status.is_settled());
    let steps = steps.map(|(step, state)| {
        let facts = StepFacts { status: state.status.word().to_owned(), outputs: state.outputs.clone() };
        (step.name.clone(), facts)
    });
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Facts {
        params: params.collect(),
        run: BTreeMap::from([
            text("id", &run.id),
            text("mode", mode_word(run.mode)),
            text("plan", &run.plan),
            text("operator", &run.operator),
            text("drill", if run.drill { "true" } else { "false" }),
        ]),
        steps: steps.collect(),
    }
}

impl Run {
    /// Nothing moves until a person decides: the run is paused, or all that is left hangs on a doubt.
    pub fn needs_operator(&self) -> bool {
        if self.status.has_ended() {
            return false;
        }
        let open = |status: Status| self.open.iter().any(|index| self.steps[*index].status == status);
        let moving = open(Status::Running) || open(Status::Probing);
        if self.status == RunStatus::Paused {
            return !moving;
        }
        open(Status::InDoubt) && !moving && self.ready.is_empty()
    }

    /// Why the run stands as it does: its own reason, or what it hangs on.
    pub fn why(&self, version: &PlanVersion) -> Option<String> {
        let name = |index: StepIndex| version.plan.steps[index].name.as_str();
        let doubts: Vec<_> = self.steps_in(Status::InDoubt).map(name).collect();
        if !doubts.is_empty() && !self.status.has_ended() {
            let own = self.reason.as_deref().map(|reason| format!("{reason}; ")).unwrap_or_default();
            return Some(format!("{own}in doubt: {}", doubts.join(", ")));
        }
        if self.heading == Heading::Canceling && !self.status.has_ended() {
            let open: Vec<_> = self.open.iter().map(|index| name(*index)).collect();
            let own = self.reason.as_deref().unwrap_or("canceled");
            return Some(format!("{own}; being canceled, waiting for the end of: {}", open.join(", ")));
        }
        self.reason.clone().or_else(|| self.waits_for(version))
    }

    /// What keeps a run from moving at all, where an agent is missing: never a silent wait (P7).
    fn waits_for(&self, version: &PlanVersion) -> Option<String> {
        let moves = |index: &StepIndex| {
            let attempt = self.steps[*index].attempt();
            self.steps[*index].status == Status::Probing || attempt.is_none_or(|attempt| !attempt.lapsed)
        };
        if self.status.has_ended() || self.open.iter().any(moves) {
            return None;
        }
        let held = self.open.iter().copied().chain(self.ready.iter().map(|(_, index)| *index));
        let held = held.filter_map(|index| Some((index, self.steps[index].reason.as_deref()?)));
        let texts: Vec<_> =
            held.map(|(index, why)| format!("{}: {why}", version.plan.steps[index].name)).collect();
        (!texts.is_empty()).then(|| format!("waiting: {}", texts.join("; ")))
    }
}
