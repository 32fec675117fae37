//! Registered plans and step templates.

use serde::Serialize;

use super::Time;

/// A plan or a step template that was registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registered {
    /// `Plan` or `StepTemplate`.
    pub kind: String,
    /// Its name.
    pub plan: String,
    /// The version that holds this text.
    pub plan_version: u32,
    /// This very text was the newest version already.
    pub unchanged: bool,
    /// The log index that brought it.
    pub revision: u64,
}

/// Every plan, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanList {
    /// The newest version of each.
    pub plans: Vec<PlanSummary>,
    /// The log index that this reflects.
    pub revision: u64,
}

/// One line about a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanSummary {
    /// Its name.
    pub plan: String,
    /// Its version.
    pub plan_version: u32,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// How many steps it has.
    pub steps: u32,
    /// How many runs it has had.
    pub runs: u32,
    /// When this version was registered.
    pub registered_at: Option<Time>,
}

/// A plan with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// One line about it.
    #[serde(flatten)]
    pub summary: PlanSummary,
    /// The text exactly as it was registered.
    pub source: String,
    /// The log index that this reflects.
    pub revision: u64,
    /// The plan as it is carried out, with every default and template filled in: JSON.
    #[serde(skip)]
    pub checked: String,
}

/// Every step template, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TemplateList {
    /// The newest version of each.
    pub templates: Vec<TemplateSummary>,
    /// The log index that this reflects.
    pub revision: u64,
}

/// One line about a step template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TemplateSummary {
    /// Its name.
    pub template: String,
    /// Its version; 0 for one that came with the coordinator.
    pub template_version: u32,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What `with` may give, in the order in which they are written.
    pub params: Vec<String>,
    /// Who registered it.
    pub operator: Option<String>,
    /// When this version was registered.
    pub registered_at: Option<Time>,
}

/// A step template with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Template {
    /// One line about it.
    #[serde(flatten)]
    pub summary: TemplateSummary,
    /// The text exactly as it was registered.
    pub source: String,
    /// The log index that this reflects.
    pub revision: u64,
}
