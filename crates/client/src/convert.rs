//! From the wire's messages to views: an empty text or a 0 that stands for "none" becomes `None`.

use baton_api as api;

use crate::Error;
use crate::view::{
    Agent, AttemptView, ClusterStatus, Event, EventList, Member, Objectives, Plan, PlanList, PlanSummary,
    Registered, RunList, RunSummary, RunView, StepView, Time,
};

fn text(value: String) -> Option<String> {
    (!value.is_empty()).then_some(value)
}

fn number(value: u64) -> Option<u64> {
    (value != 0).then_some(value)
}

fn without(what: &str) -> Error {
    Error::Other(format!("the coordinator answered without a {what}: is it of another version?"))
}

pub(crate) fn registered(answer: api::RegisterPlanResponse) -> Registered {
    Registered {
        plan: answer.name,
        plan_version: answer.version,
        unchanged: answer.unchanged,
        revision: answer.revision,
    }
}

pub(crate) fn plan_list(answer: api::ListPlansResponse) -> PlanList {
    PlanList { plans: answer.plans.into_iter().map(plan_summary).collect(), revision: answer.revision }
}

pub(crate) fn plan(answer: api::GetPlanResponse) -> Result<Plan, Error> {
    let summary = plan_summary(answer.plan.ok_or_else(|| without("plan"))?);
    Ok(Plan { summary, source: answer.source, revision: answer.revision })
}

fn plan_summary(plan: api::PlanSummary) -> PlanSummary {
    PlanSummary {
        plan: plan.name,
        plan_version: plan.version,
        owner: text(plan.owner),
        description: text(plan.description),
        steps: plan.steps,
        runs: plan.runs,
        registered_at: Time::unless_zero(plan.registered_at_ms),
    }
}

pub(crate) fn run_list(answer: api::ListRunsResponse) -> RunList {
    RunList {
        runs: answer.runs.into_iter().map(run_summary).collect(),
        more: answer.more,
        revision: answer.revision,
    }
}

fn run_summary(run: api::RunSummary) -> RunSummary {
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
    let summary = run_summary(view.summary.ok_or_else(|| without("run"))?);
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
        predicted_ms: number(view.predicted_ms),
        critical_path: view.critical_path,
        takeovers: view.takeovers,
        steps: view.steps.into_iter().map(step).collect(),
        revision: view.revision,
    })
}

fn step(step: api::StepView) -> StepView {
    StepView {
        step: step.step,
        status: step.status,
        reason: text(step.reason),
        region: text(step.region),
        idempotent: step.idempotent,
        optional: step.optional,
        critical: step.critical,
        kind: step.kind,
        needs: step.needs,
        estimate_ms: number(step.estimate_ms),
        outputs: step.outputs,
        attempts: step.attempts.into_iter().map(attempt).collect(),
    }
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

pub(crate) fn event_list(answer: api::GetEventsResponse) -> EventList {
    EventList {
        events: answer.events.into_iter().map(event).collect(),
        more: answer.more,
        revision: answer.revision,
    }
}

fn event(event: api::EventView) -> Event {
    Event {
        sequence: event.sequence,
        at: Time::unless_zero(event.at_ms),
        elapsed_ms: event.elapsed_ms,
        kind: event.kind,
        step: text(event.step),
        text: event.text,
        fields: event.fields,
        revision: event.revision,
        digest: event.digest,
    }
}

pub(crate) fn cluster_status(status: api::ClusterStatus) -> ClusterStatus {
    ClusterStatus {
        leader: status.leader,
        term: status.term,
        members: status.members.into_iter().map(member).collect(),
        agents: status.agents.into_iter().map(agent).collect(),
        cluster: status.cluster,
        answered_by: status.answered_by,
    }
}

fn member(member: api::MemberView) -> Member {
    Member {
        id: member.id,
        region: member.region,
        address: member.address,
        role: member.role,
        reachable: member.reachable,
        last_log: member.last_log,
        applied: member.applied,
    }
}

fn agent(agent: api::AgentView) -> Agent {
    Agent {
        name: agent.name,
        region: agent.region,
        status: agent.status,
        running: agent.running,
        slots: agent.slots,
        labels: agent.labels,
    }
}
