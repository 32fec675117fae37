//! Plans and step templates, without their texts.

use baton_api as api;
use baton_engine::plans::{PlanHistory, PlanVersion};

use crate::grpc::catalogue::Found;

/// One version of a plan.
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

/// One version of a step template.
pub(crate) fn template(found: &Found) -> api::TemplateSummary {
    let template = found.template();
    let (operator, registered_at_ms) = match found {
        Found::Registered(version) => (version.operator.clone(), version.registered.stamp.wall_ms),
        Found::BuiltIn(_) => Default::default(),
    };
    api::TemplateSummary {
        name: template.name.clone(),
        version: found.version(),
        owner: template.owner.clone().unwrap_or_default(),
        description: template.description.clone().unwrap_or_default(),
        params: template.params.iter().map(|param| param.name.clone()).collect(),
        registered_at_ms,
        operator,
    }
}
