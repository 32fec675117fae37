//! What a cluster answers, in the words and with the field names of the JSON that people and
//! programs read. A field without a value is `null`, never left out.

mod cluster;
mod event;
mod plan;
mod run;
mod time;

pub use cluster::{Agent, ClusterStatus, Member};
pub use event::{Event, EventList};
pub use plan::{Plan, PlanList, PlanSummary, Registered};
pub use run::{AttemptView, Decided, Objectives, RunList, RunSummary, RunView, Started, StepView};
pub use time::Time;
