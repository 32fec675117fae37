//! What a cluster answers, in the words and with the field names of the JSON that people and
//! programs read. A field without a value is `null`, never left out.

mod cluster;
mod event;
mod plan;
mod run;
mod shared;
mod step;
mod time;

pub use cluster::{Agent, ClusterStatus, Member};
pub use event::{Event, EventList};
pub use plan::{Plan, PlanList, PlanSummary, Registered, Template, TemplateList, TemplateSummary};
pub use run::{Decided, Objectives, Recovery, RunList, RunSummary, RunView, Started};
pub use shared::{Holder, Lock, LockList, Lost, Region, RegionList, Resource, ResourceList, Settled};
pub use step::{Approval, AttemptView, Choice, Doubt, StepView};
pub use time::Time;
