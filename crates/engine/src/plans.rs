//! The plans that were registered, every version of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_plan::StepTemplate;
use baton_plan::graph::Graph;
use baton_plan::plan::{Plan, StepIndex};
use serde::{Deserialize, Serialize};

use crate::stamp::Moment;

/// One version of a plan, with its graph.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct PlanVersion {
    /// 1, 2, …
    pub version: u32,
    /// The checked plan.
    pub plan: Plan,
    /// The text as written.
    pub source: String,
    /// When it was registered.
    pub registered: Moment,
    /// Who registered it.
    pub operator: String,
    /// The plan's shape, derived from the plan.
    pub graph: Graph,
    by_name: BTreeMap<String, StepIndex>,
}

/// What of a version is kept: the rest is derived from it.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    version: u32,
    plan: Plan,
    source: String,
    registered: Moment,
    operator: String,
}

impl PlanVersion {
    /// A version with its derived parts.
    pub fn new(version: u32, plan: Plan, source: String, registered: Moment, operator: String) -> Self {
        let graph = Graph::of(&plan);
        let names = plan.steps.iter().enumerate();
        let by_name = names.map(|(index, step)| (step.name.clone(), index)).collect();
        PlanVersion { version, plan, source, registered, operator, graph, by_name }
    }

    /// The step of that name.
    pub fn step(&self, name: &str) -> Option<StepIndex> {
        self.by_name.get(name).copied()
    }
}

impl PartialEq for PlanVersion {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version && self.source == other.source && self.plan == other.plan
    }
}

impl From<Stored> for PlanVersion {
    fn from(stored: Stored) -> Self {
        let Stored { version, plan, source, registered, operator } = stored;
        PlanVersion::new(version, plan, source, registered, operator)
    }
}

impl From<PlanVersion> for Stored {
    fn from(kept: PlanVersion) -> Self {
        let PlanVersion { version, plan, source, registered, operator, .. } = kept;
        Stored { version, plan, source, registered, operator }
    }
}

/// All plans by name.
pub type Plans = BTreeMap<String, PlanHistory>;

/// One version of a step template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TemplateVersion {
    /// 1, 2, …
    pub version: u32,
    /// The checked template.
    pub template: StepTemplate,
    /// The text as written.
    pub source: String,
    /// When it was registered.
    pub registered: Moment,
    /// Who registered it.
    pub operator: String,
}

/// All versions of one name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanHistory {
    /// Oldest first; version n stands at n - 1.
    pub versions: Vec<Arc<PlanVersion>>,
    /// Runs ever started of it; the next one's number.
    pub runs: u64,
}

impl PlanHistory {
    /// A version, or the newest.
    pub fn version(&self, version: Option<u32>) -> Option<&Arc<PlanVersion>> {
        match version {
            None => self.versions.last(),
            Some(number) => self.versions.get((number as usize).checked_sub(1)?),
        }
    }
}
