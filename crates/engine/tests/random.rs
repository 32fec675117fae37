//! Thousands of commands in any order, under seeds, with agents that die, freeze, lose their
//! journals and report late. After each command every invariant holds; at the end, counted at the
//! target, no step that is not idempotent has taken effect twice.

mod world;

use world::World;

/// Seeds that once failed stay here by name.
const REMEMBERED: [u64; 0] = [];

#[test]
fn every_invariant_holds_after_every_command() {
    let seeds = std::env::var("BATON_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(400u64);
    let mut commands = 0;
    let mut doubts = 0;
    for seed in REMEMBERED.into_iter().chain(1..=seeds) {
        let mut world = World::new(seed);
        world.live_through(250);
        world.heal();
        world.judge();
        commands += world.commands;
        doubts += world.doubts;
    }
    assert!(commands > 50 * seeds, "only {commands} commands were tried");
    assert!(doubts > 0, "no step ever came into doubt, so nothing was tried");
}

#[test]
fn the_same_seed_replays_exactly() {
    for seed in [1, 7, 99] {
        let run = || {
            let mut world = World::new(seed);
            world.live_through(250);
            world.heal();
            world.state
        };
        assert_eq!(run(), run());
    }
}
