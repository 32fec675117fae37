//! Runs, their steps, attempts and decisions.

use baton_api as api;

use super::shared::lock;
use super::{number, text, without};
use crate::Error;
use crate::view::{
    Approval, AttemptView, Choice, Decided, Doubt, Objectives, Recovery, RunList, RunSummary, RunView,
    StepView, Time,
};

pub(crate) fn run_list(answer: api::ListRunsResponse) -> RunList {
    RunList {
        runs: answer.runs.into_iter().map(summary).collect(),
        more: answer.more,
        revision: answer.revision,
    }
}

fn summary(run: api::RunSummary) -> RunSummary {
    RunSummary {
        run: run.run,
        plan: run.plan,
        plan_version: run.plan_version,
        status: run.status,
        reason: text(run.reason),
        started_at: Time::unless_zero(run.started_at_ms),
        ended_at: Time::unless_zero(run.ended_at_ms),
        steps: run.steps,
        steps_done: run.steps_done,
    }
}

pub(crate) fn run(view: api::RunView) -> Result<RunView, Error> {
    let summary = summary(view.summary.ok_or_else(|| without("run"))?);
    Ok(RunView {
        run: summary.run,
        plan: summary.plan,
        plan_version: summary.plan_version,
        mode: view.mode,
        drill: view.drill,
        status: summary.status,
        reason: summary.reason,
        needs_operator: view.needs_operator,
        exceptions: view.exceptions,
        params: view.params,
        operator: view.operator,
        started_at: summary.started_at,
        ended_at: summary.ended_at,
        elapsed_ms: view.elapsed_ms,
        objectives: Objectives { rto_ms: number(view.rto_ms), rpo_ms: number(view.rpo_ms) },
        recovery: recovery(view.recovery.unwrap_or_default()),
        predicted_ms: number(view.predicted_ms),
        critical_path: view.critical_path,
        takeovers: view.takeovers,
        locks: view.locks,
        waits_for_locks: view.waits_for_locks.into_iter().map(lock).collect(),
        children: view.children,
        steps: view.steps.into_iter().map(step).collect(),
        revision: view.revision,
    })
}

fn recovery(view: api::RecoveryView) -> Recovery {
    Recovery { elapsed_ms: view.elapsed_ms, over: view.over, stop: text(view.stop) }
}

fn step(step: api::StepView) -> StepView {
    StepView {
        step: step.step,
        parent: text(step.parent),
        item: text(step.item),
        status: step.status,
        reason: text(step.reason),
        region: text(step.region),
        idempotent: step.idempotent,
        optional: step.optional,
        critical: step.critical,
        kind: step.kind,
        direction: step.direction,
        undoable: step.undoable,
        modes: step.modes,
        mode: step.mode,
        needs: step.needs,
        estimate_ms: number(step.estimate_ms),
        not_before_ms_left: number(step.not_before_ms_left),
        locks: step.locks,
        waits_for_locks: step.waits_for_locks.into_iter().map(lock).collect(),
        draws: step.draws,
        approval: step.approval.map(approval),
        doubt: step.doubt.map(doubt),
        outputs: step.outputs,
        attempts: step.attempts.into_iter().map(attempt).collect(),
    }
}

fn approval(approval: api::ApprovalView) -> Approval {
    Approval {
        message: approval.message,
        approvers: approval.approvers,
        roles: approval.roles,
        approved_by: approval.approved_by,
        deadline_ms_left: approval.deadline_ms_left,
        two_person: approval.two_person,
    }
}

fn doubt(doubt: api::DoubtView) -> Doubt {
    let choice = |choice: api::ChoiceView| Choice { command: choice.command, what: choice.what };
    Doubt { known: doubt.known, choices: doubt.choices.into_iter().map(choice).collect() }
}

fn attempt(attempt: api::AttemptView) -> AttemptView {
    AttemptView {
        attempt: attempt.attempt,
        token: attempt.token,
        agent: text(attempt.agent),
        direction: attempt.direction,
        outcome: text(attempt.outcome),
        reason: text(attempt.reason),
        exit_code: attempt.exit_code,
        begun: attempt.begun,
        started_at: Time::unless_zero(attempt.started_at_ms),
        ended_at: Time::unless_zero(attempt.ended_at_ms),
        elapsed_ms: attempt.elapsed_ms,
        stdout: attempt.stdout,
        stderr: attempt.stderr,
    }
}

pub(crate) fn decided(run: &str, step: Option<&str>, answer: api::DecisionResponse) -> Decided {
    Decided {
        run: run.to_owned(),
        status: answer.status,
        reason: text(answer.reason),
        step: step.map(str::to_owned),
        step_status: text(answer.step_status),
        approval: answer.approval.map(approval),
        revision: answer.revision,
    }
}
