//! What people and programs are shown of the state.

use baton_api as api;
use baton_engine::State;
use baton_engine::event::Record;
use baton_engine::grant::mode_word;
use baton_engine::plans::{PlanHistory, PlanVersion};
use baton_engine::run::Run;
use baton_engine::stamp::Moment;
use baton_engine::step::{Attempt, Outcome, StepState};
use baton_plan::plan::{Action, Step};

/// One version of a plan, without its text.
pub(crate) fn plan(history: &PlanHistory, version: &PlanVersion) -> api::PlanSummary {
    let plan = &version.plan;
    api::PlanSummary {
        name: plan.name.clone(),
        version: version.version,
        owner: plan.owner.clone().unwrap_or_default(),
        description: plan.description.clone().unwrap_or_default(),
        steps: plan.steps.len() as u32,
        registered_at_ms: version.registered.stamp.wall_ms,
        runs: history.runs as u32,
    }
}

/// A run's line in a list.
pub(crate) fn summary(run: &Run, version: &PlanVersion) -> api::RunSummary {
    let done = run.steps.iter().filter(|step| step.status.is_settled()).count();
    api::RunSummary {
        run: run.id.clone(),
        plan: run.plan.clone(),
        status: run.status.word().into(),
        reason: run.why(version).unwrap_or_default(),
        started_at_ms: run.started.stamp.wall_ms,
        ended_at_ms: run.ended.map_or(0, |ended| ended.stamp.wall_ms),
        plan_version: run.version,
        steps: run.steps.len() as u32,
        steps_done: done as u32,
    }
}

/// A run with those of its steps that changed after the log index `since`.
pub(crate) fn run(state: &State, run: &Run, since: u64, now_ms: u64, revision: u64) -> api::RunView {
    let version = state.version_of(run);
    let critical = version.graph.critical_path();
    let steps = &version.plan.steps;
    let mut on_path = vec![false; steps.len()];
    critical.iter().for_each(|index| on_path[*index] = true);
    let views = run.steps.iter().enumerate().filter(|(_, step)| step.changed > since || since == 0);
    let views = views.map(|(index, seen)| {
        let needs = steps[index].needs.iter().map(|need| steps[*need].name.clone()).collect();
        step(&steps[index], seen, needs, on_path[index], now_ms)
    });
    let estimated = steps.iter().any(|step| step.estimate_ms.is_some());
    api::RunView {
        summary: Some(summary(run, &version)),
        mode: mode_word(run.mode).into(),
        drill: run.drill,
        exceptions: run.exceptions,
        params: run.params.clone(),
        elapsed_ms: run.elapsed_ms(now_ms),
        rto_ms: version.plan.rto_ms.unwrap_or(0),
        rpo_ms: version.plan.rpo_ms.unwrap_or(0),
        critical_path: critical.iter().map(|index| steps[*index].name.clone()).collect(),
        takeovers: run.takeovers,
        steps: views.collect(),
        needs_operator: run.needs_operator(),
        operator: run.operator.clone(),
        revision,
        now_ms,
        predicted_ms: critical
            .first()
            .filter(|_| estimated)
            .map_or(0, |first| version.graph.remaining_ms(*first)),
    }
}

fn step(step: &Step, state: &StepState, needs: Vec<String>, critical: bool, now_ms: u64) -> api::StepView {
    let region = state.region.clone();
    let literal = step.region.as_ref().map(ToString::to_string);
    api::StepView {
        step: step.name.clone(),
        status: state.status.word().into(),
        reason: state.reason.clone().unwrap_or_default(),
        region: region.or(literal).unwrap_or_default(),
        idempotent: step.idempotent,
        outputs: state.outputs.clone(),
        attempts: state.attempts.iter().map(|seen| attempt(seen, now_ms)).collect(),
        needs,
        critical,
        optional: step.optional,
        kind: kind(&step.action).into(),
        estimate_ms: step.estimate_ms.unwrap_or(0),
    }
}

fn kind(action: &Action) -> &'static str {
    match action {
        Action::Command(_) => "command",
        Action::Noop => "noop",
        Action::WaitFor(_) | Action::WaitUntil { .. } => "wait",
    }
}

fn attempt(attempt: &Attempt, now_ms: u64) -> api::AttemptView {
    let started = attempt.begun.unwrap_or(attempt.granted);
    let ended_ms = attempt.ended.map_or(now_ms, |ended| ended.stamp.time_ms);
    let wall_ms = |at: Option<Moment>| at.map_or(0, |at| at.stamp.wall_ms);
    api::AttemptView {
        attempt: attempt.number,
        token: attempt.token,
        agent: attempt.speaker.agent.clone(),
        direction: "do".into(),
        outcome: attempt.outcome.map_or("", Outcome::word).into(),
        exit_code: attempt.exit_code,
        started_at_ms: started.stamp.wall_ms,
        ended_at_ms: wall_ms(attempt.ended),
        stdout: attempt.stdout.clone(),
        stderr: attempt.stderr.clone(),
        reason: attempt.reason.clone().unwrap_or_default(),
        begun: attempt.begun.is_some(),
        elapsed_ms: ended_ms.saturating_sub(started.stamp.time_ms),
    }
}

/// A line of a run's timeline.
pub(crate) fn event(run: &Run, record: &Record) -> api::EventView {
    let fields = record.event.fields().into_iter().map(|(name, value)| (name.to_owned(), value));
    api::EventView {
        sequence: record.sequence,
        revision: record.at.index,
        at_ms: record.at.stamp.wall_ms,
        elapsed_ms: record.at.stamp.time_ms.saturating_sub(run.started.stamp.time_ms),
        kind: record.event.kind().into(),
        step: record.event.step().unwrap_or_default().into(),
        text: record.event.text(),
        fields: fields.collect(),
        digest: format!("{:016x}", record.digest),
    }
}

/// Every agent that the cluster knows.
pub(crate) fn agents(state: &State) -> Vec<api::AgentView> {
    let agents = state.agents.by_name.values();
    let view = |agent: &baton_engine::agents::Agent| api::AgentView {
        name: agent.join.speaker.agent.clone(),
        region: agent.join.region.clone(),
        status: if agent.live { "live" } else { "silent" }.into(),
        running: agent.open.len() as u32,
        slots: agent.join.slots,
        labels: agent.join.labels.clone(),
    };
    agents.map(view).collect()
}
