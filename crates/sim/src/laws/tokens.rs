//! P5, P6, INV4, INV9: tokens that the target sees never fall, for each step; and for each lock they rise from one holder
//! to the next, so that no two runs act under it at once.

use super::{is_by_word, node};
use crate::world::{Effect, World};

pub(super) fn check(world: &mut World, effect: &Effect) {
    let Some((run, index)) = node(world, effect) else { return };
    if (effect.idempotent && effect.slipped) || is_by_word(world, run, &effect.step) {
        return;
    }
    let earlier = world.target.effects.iter().filter(|one| one.run == effect.run && one.step == effect.step);
    let newest = earlier.map(|one| one.token).max().unwrap_or_default();
    let chain = run.chain(index).flat_map(|part| run.steps[part].locks.iter());
    let locks: Vec<String> = chain.chain(&run.locks).cloned().collect();
    if newest > effect.token {
        world.broken("tokens", format!("{effect:?} came after token {newest}"));
    }
    for lock in locks {
        let known = world.memory.locks.entry(lock.clone()).or_insert_with(|| (effect.run.clone(), 0));
        let older = known.0 != effect.run && known.1 > effect.token;
        let before = known.1;
        *known = (effect.run.clone(), before.max(effect.token));
        if older {
            world.broken(
                "tokens",
                format!("{effect:?} came under lock {lock} after token {before} of another run"),
            );
        }
    }
}
