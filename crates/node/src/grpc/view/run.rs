//! A run, and its timeline.

use baton_api as api;
use baton_engine::event::Record;
use baton_engine::locks::Owner;
use baton_engine::run::Run;
use baton_engine::standing::Summary;
use baton_engine::{State, scope};
use baton_plan::plan::Plan;

use super::{shared, step};

/// A run's line in a list.
pub(crate) fn summary(summary: Summary) -> api::RunSummary {
    api::RunSummary {
        run: summary.id,
        plan: summary.plan,
        status: summary.status.word().into(),
        reason: summary.reason.unwrap_or_default(),
        started_at_ms: summary.started.stamp.wall_ms,
        ended_at_ms: summary.ended.map_or(0, |ended| ended.stamp.wall_ms),
        plan_version: summary.version,
        steps: summary.steps,
        steps_done: summary.done,
    }
}

/// A run with those of its steps that changed after the log index `since`.
pub(crate) fn run(state: &State, run: &Run, since: u64, now_ms: u64, revision: u64) -> api::RunView {
    let version = state.version_of(run);
    let critical = version.graph.critical_path();
    let steps = &version.plan.steps;
    let mut paths = step::Paths::default();
    let changed = run.steps.iter().enumerate().filter(|(_, step)| step.changed > since || since == 0);
    let views = changed.map(|(index, _)| step::step(state, run, index, &mut paths, now_ms));
    let estimated = steps.iter().any(|step| step.estimate_ms.is_some());
    api::RunView {
        summary: Some(summary(run.summary(&state.plans))),
        mode: scope::mode_word(run.mode).into(),
        drill: run.drill,
        exceptions: run.exceptions,
        params: run.frames[0].params.clone(),
        elapsed_ms: run.elapsed_ms(now_ms),
        rto_ms: version.plan.recovery.rto_ms().unwrap_or(0),
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
        locks: run.locks.clone(),
        waits_for_locks: queued_for(state, run, now_ms),
        children: run.pins.clone(),
        recovery: Some(recovery(&version.plan, run, now_ms)),
    }
}

fn recovery(plan: &Plan, run: &Run, now_ms: u64) -> api::RecoveryView {
    let recovery = run.recovery(plan, now_ms);
    let stop = plan.recovery.stop().map(|stop| plan.steps[stop].name.clone());
    api::RecoveryView {
        elapsed_ms: recovery.elapsed_ms,
        over: recovery.is_over,
        stop: stop.unwrap_or_default(),
    }
}

/// The locks that keep a queued run from starting.
fn queued_for(state: &State, run: &Run, now_ms: u64) -> Vec<api::LockView> {
    if !run.queued {
        return Vec::new();
    }
    shared::held_by_others(state, &run.locks, &Owner { run: run.id.clone(), step: None }, now_ms)
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
