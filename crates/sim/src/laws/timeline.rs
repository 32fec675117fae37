//! P8, INV8: the timeline's chain verifies, nothing in it is edited afterwards, and nothing changes without a line in it.

use baton_engine::event::{Event, Record};
use baton_engine::run::Run;
use baton_engine::step::Status;

use super::{happened, no_doubt};
use crate::world::World;

/// What was known of a run before the newest entry.
#[derive(Default)]
pub(crate) struct Known {
    length: usize,
    digest: u64,
    statuses: Vec<Status>,
}

pub(super) fn check(world: &mut World, index: u64) {
    let state = &world.book.state;
    let touched = state.runs.values().filter(|run| {
        let known = world.memory.runs.get(&run.id);
        known.is_none_or(|known| known.length != run.timeline.len())
            || run.changed == index
            || run.steps.iter().any(|step| step.changed == index)
    });
    let touched: Vec<_> = touched.cloned().collect();
    for run in touched {
        let known = world.memory.runs.remove(&run.id).unwrap_or_default();
        if let Err(broken) = read_on(world, &run, &known) {
            world.broken("timeline", broken);
        }
        if let Err(broken) = statuses(world, &run, &known) {
            world.broken("happened", broken);
        }
        let doubts = run.timeline[known.length..].iter();
        let doubts = doubts.filter(|record| matches!(record.event, Event::StepInDoubt { .. }));
        world.totals.doubts += doubts.count() as u64;
        let digest = run.timeline.last().map_or(0, |record| record.digest);
        let statuses = run.steps.iter().map(|step| step.status).collect();
        world.memory.runs.insert(run.id.clone(), Known { length: run.timeline.len(), digest, statuses });
    }
}

fn read_on(world: &World, run: &Run, known: &Known) -> Result<(), String> {
    let before = known.length.checked_sub(1).map_or(Some(0), |last| Some(run.timeline.get(last)?.digest));
    if before != Some(known.digest) {
        return Err(format!("{}: what stood in the timeline was changed", run.id));
    }
    let mut digest = known.digest;
    for (position, record) in run.timeline.iter().enumerate().skip(known.length) {
        digest = Record::link(digest, record.sequence, &record.at, &record.event);
        if record.digest != digest || record.sequence != position as u64 + 1 {
            return Err(format!("{}: the timeline breaks at {}", run.id, record.sequence));
        }
        no_doubt::check(world, &record.event)?;
    }
    let silent = run.timeline.len() == known.length;
    let changed = known.statuses.iter().zip(&run.steps).position(|(before, step)| *before != step.status);
    match changed.filter(|_| silent) {
        Some(index) => Err(format!(
            "{}: step {index} went from {:?} to {:?} without a line",
            run.id, known.statuses[index], run.steps[index].status
        )),
        None => Ok(()),
    }
}

fn statuses(world: &World, run: &Run, known: &Known) -> Result<(), String> {
    let fresh = |index: &usize| known.statuses.get(*index) != Some(&run.steps[*index].status);
    (0..run.steps.len()).filter(fresh).try_for_each(|index| happened::check(world, run, index))
}
