//! P1, INV1: what is not idempotent takes effect at most once, unless a person says "again".

use super::{is_by_word, node, words};
use crate::world::{Effect, World};

pub(super) fn check(world: &mut World, effect: &Effect) {
    if effect.idempotent {
        return;
    }
    let count = world.target.count(&effect.run, &effect.step, effect.undo);
    let Some((run, _)) = node(world, effect) else { return };
    let words = words(world, run, &effect.step);
    let lost = usize::from(is_by_word(world, run, &effect.step) && words == 0);
    let allowed = 1 + words + lost;
    if count > allowed {
        let text =
            format!("{}/{} took effect {count} times (undo: {})", effect.run, effect.step, effect.undo);
        world.broken("at most once", text);
    }
}
