//! INV7: whoever applies the same log holds the same state.

use baton_engine::State;

use crate::world::World;

pub(super) fn check(world: &mut World) {
    let mut state = State::default();
    for (index, entry) in world.book.entries.iter().enumerate() {
        if let Some(batch) = &entry.batch {
            state.apply(index as u64 + 1, batch);
        }
    }
    if state != world.book.state {
        world.broken("replay", "a second member that applied the same log holds another state".into());
    }
}
