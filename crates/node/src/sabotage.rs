//! Says loudly which planted bug this coordinator carries, and plants it in the engine, which reads no environment.

use baton_engine::sabotage::{Bug as EngineBug, plant as plant_in_engine};
use baton_storage::sabotage::{Bug, announce, planted};

/// To be called before the first entry is applied.
pub(crate) fn plant() {
    announce();
    let of_engine = [
        (Bug::RetryUnknown, EngineBug::RetryUnknown),
        (Bug::ProbeBeforeQuiescence, EngineBug::ProbeBeforeQuiescence),
    ];
    of_engine.into_iter().filter(|(bug, _)| planted(*bug)).for_each(|(_, bug)| plant_in_engine(bug));
}
