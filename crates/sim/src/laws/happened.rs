//! INV2: what succeeded has happened, and what is undone was undone.

use baton_engine::run::Run;
use baton_engine::scope;
use baton_engine::step::{Direction, Status};
use baton_plan::plan::Action;

use super::is_by_word;
use crate::world::World;

/// A sentence when a step claims what the target has not seen.
pub(super) fn check(world: &World, run: &Run, index: usize) -> Result<(), String> {
    let state = &run.steps[index];
    let plans = &world.book.state.plans;
    let undo = match state.status {
        Status::Succeeded => false,
        Status::Undone => true,
        _ => return Ok(()),
    };
    let direction = if undo { Direction::Undo } else { Direction::Do };
    let attempted = state.attempt().is_some_and(|attempt| attempt.direction == direction);
    let acts = matches!(scope::work(run, plans, index).action, Action::Command(_));
    let name = scope::name(run, plans, index);
    if !attempted || !acts || is_by_word(world, run, &name) || world.target.count(&run.id, &name, undo) > 0 {
        return Ok(());
    }
    Err(format!("{}/{name} is {}, and the target has seen nothing of it", run.id, state.status.word()))
}
