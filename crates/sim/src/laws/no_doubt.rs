//! Semantics section 4, rule 6: losing coordinators changes nothing about any attempt. When only they die, no agent is
//! missed, and so nothing becomes doubtful by it.

use baton_engine::event::Event;

use crate::world::World;

pub(super) fn check(world: &World, event: &Event) -> Result<(), String> {
    match event {
        Event::AttemptLapsed { .. } if world.script.world.only_coordinators => {
            Err(format!("only coordinators died, and yet: {}", event.text()))
        }
        _ => Ok(()),
    }
}
