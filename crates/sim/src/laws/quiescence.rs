//! R2, R5: nobody acts whose attempt was never begun, or was declared ended. An idempotent executor that stood still may
//! slip, within the honest limit; one that is fenced is the target's business.

use baton_engine::scope;

use super::{is_by_word, node};
use crate::world::{Effect, World};

pub(super) fn check(world: &mut World, effect: &Effect) {
    let Some((run, index)) = node(world, effect) else {
        return world.broken("quiescence", format!("{effect:?} belongs to no step"));
    };
    let attempts = &run.steps[index].attempts;
    let Some(attempt) = attempts.iter().find(|attempt| attempt.token == effect.token) else {
        return world.broken("quiescence", format!("{effect:?} was never granted"));
    };
    if attempt.begun.is_none() {
        return world.broken("quiescence", format!("{effect:?} was never begun"));
    }
    let strict = scope::step(run, &world.book.state.plans, index).work.strict;
    let may_slip = effect.idempotent && effect.slipped && !strict;
    let over = attempt.outcome.is_some();
    if over && !may_slip && !effect.fenced && !is_by_word(world, run, &effect.step) {
        let text = format!("{effect:?} came after its attempt had ended: {:?}", attempt.reason);
        world.broken("quiescence", text);
    }
}
