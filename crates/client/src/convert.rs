//! From the wire's messages to views: an empty text or a 0 that stands for "none" becomes `None`.

use baton_api as api;

use crate::Error;
use crate::view::{
    Agent, ClusterStatus, Event, EventList, Member, Plan, PlanList, PlanSummary, Registered, Template,
    TemplateList, TemplateSummary, Time,
};

mod run;
mod shared;

pub(crate) use run::{decided, run, run_list};
pub(crate) use shared::{lock_list, region_list, resource_list};

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
        kind: answer.kind,
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
    Ok(Plan { summary, source: answer.source, revision: answer.revision, checked: answer.checked })
}

pub(crate) fn template_list(answer: api::ListTemplatesResponse) -> TemplateList {
    let templates = answer.templates.into_iter().map(template_summary);
    TemplateList { templates: templates.collect(), revision: answer.revision }
}

pub(crate) fn template(answer: api::GetTemplateResponse) -> Result<Template, Error> {
    let summary = template_summary(answer.template.ok_or_else(|| without("template"))?);
    Ok(Template { summary, source: answer.source, revision: answer.revision })
}

fn template_summary(template: api::TemplateSummary) -> TemplateSummary {
    TemplateSummary {
        template: template.name,
        template_version: template.version,
        owner: text(template.owner),
        description: text(template.description),
        params: template.params,
        operator: text(template.operator),
        registered_at: Time::unless_zero(template.registered_at_ms),
    }
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
        preferred_region: status.preferred_region,
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
