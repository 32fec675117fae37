//! P3, INV5: a step acts only when everything that it needs is done; an undo only when nothing that needed the step is
//! still to be undone.

use baton_engine::scope;

use super::{is_by_word, node};
use crate::world::{Effect, World};

pub(super) fn check(world: &mut World, effect: &Effect) {
    let Some((run, index)) = node(world, effect) else { return };
    if effect.slipped || is_by_word(world, run, &effect.step) {
        return;
    }
    let plans = &world.book.state.plans;
    let first = run.frames[run.steps[index].origin.frame].first;
    let origin = &run.steps[index].origin;
    let of_item = origin.item.is_some();
    let needs = scope::step(run, plans, index).needs.iter().map(|need| first + need);
    let unmet = needs.filter(|need| !of_item && !run.steps[*need].done).count();
    let steps = &scope::version(run, plans, origin.frame).plan.steps;
    let dependents = steps.iter().enumerate().filter(|(_, step)| step.needs.contains(&origin.definition));
    let hanging = dependents.filter(|(other, _)| !of_item && run.undoing.contains(&(first + other))).count();
    if !effect.undo && unmet > 0 {
        world.broken("order", format!("{effect:?} came before {unmet} of its needs were done"));
    } else if effect.undo && hanging > 0 {
        world.broken("order", format!("{effect:?} came before {hanging} dependents were undone"));
    }
}
