//! What runs share: regions, locks and resources.

use serde::Serialize;

use super::Time;

/// Something that was settled for the whole cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// The region or the resource.
    pub name: String,
    /// The log index that brought it.
    pub revision: u64,
}

/// Every region, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegionList {
    /// The regions.
    pub regions: Vec<Region>,
    /// The log index that this reflects.
    pub revision: u64,
}

/// Who stands in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Region {
    /// Its name.
    pub region: String,
    /// The coordinators there.
    pub members: Vec<u64>,
    /// One of them leads.
    pub leads: bool,
    /// Agents that are live.
    pub agents_live: u32,
    /// Agents that are silent.
    pub agents_silent: u32,
    /// Attempts that are under way there.
    pub running: u32,
    /// Attempts that its live agents can do at once.
    pub slots: u32,
    /// Somebody declared it lost.
    pub lost: Option<Lost>,
}

/// A person's word that a region is gone for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// Since when.
    pub since: Option<Time>,
    /// Whose word.
    pub operator: String,
    /// Why.
    pub reason: String,
}

/// Every lock that is held, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LockList {
    /// The locks.
    pub locks: Vec<Lock>,
    /// The log index that this reflects.
    pub revision: u64,
}

/// A lock that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lock {
    /// Its name.
    pub lock: String,
    /// The run that holds it.
    pub run: String,
    /// The step that holds it; none where the run itself does.
    pub step: Option<String>,
    /// Since when.
    pub since: Option<Time>,
    /// How long, by cluster time.
    pub held_ms: u64,
    /// Who started the run.
    pub operator: String,
    /// Runs that wait for it.
    pub waiting: Vec<String>,
}

/// Every resource, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceList {
    /// The resources.
    pub resources: Vec<Resource>,
    /// The log index that this reflects.
    pub revision: u64,
}

/// A named capacity that steps draw on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resource {
    /// Its name.
    pub resource: String,
    /// Units that may be drawn at once.
    pub capacity: u32,
    /// An operator set the capacity; else that of the plans counts.
    pub set_by_operator: bool,
    /// Units that are drawn.
    pub drawn: u32,
    /// By whom.
    pub holders: Vec<Holder>,
    /// Plans that declare it, in their newest version.
    pub plans: Vec<String>,
}

/// A step that draws on a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// The run.
    pub run: String,
    /// Its step.
    pub step: String,
    /// How many units.
    pub units: u32,
}
