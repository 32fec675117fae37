//! From a seed to a script: the world, its plans, the faults that this schedule knows (a random part of all, so that
//! each is met in many companies), and what people do.

use fastrand::Rng;

use super::{AgentSketch, At, Entry, Script, Setting, faults, operators, plans};
use crate::chance::Chance;

/// The script of a seed.
pub fn generate(seed: u64) -> Script {
    let mut rng = Chance::new(seed).of("script");
    let world = setting(seed, &mut rng);
    let mut regions: Vec<String> = world.agents.iter().map(|agent| agent.region.clone()).collect();
    regions.sort();
    regions.dedup();
    let mut plans = plans::sketch(&mut rng, &regions);
    let mut entries = operators::sketch(&mut rng, &world, &plans, &regions);
    entries.extend(faults::sketch(&mut rng, &world, &regions));
    let mut of_leases = Chance::new(seed).of("leases");
    if of_leases.u32(..6) == 0 {
        plans::lengthen(&mut of_leases, &mut plans);
        entries.extend(faults::of_leases(&mut of_leases, &world));
    }
    let mut of_natives = Chance::new(seed).of("natives");
    if of_natives.u32(..4) == 0 {
        plans::make_native(&mut of_natives, &mut plans);
    }
    entries.sort_by_key(|entry: &Entry| match entry.at {
        At::Ms(ms) => (1, ms),
        At::Nth(_, nth) => (0, u64::from(nth)),
    });
    Script { world, plans, entries }
}

fn setting(seed: u64, rng: &mut Rng) -> Setting {
    let regions = &["west", "east", "north"][..rng.usize(1..=3)];
    let agents = (0..rng.usize(regions.len()..=regions.len() + 2)).map(|number| AgentSketch {
        region: regions[number % regions.len()].into(),
        slots: rng.u32(1..5),
        fast_ppm: rng.i64(-10_000..10_000),
    });
    Setting {
        seed,
        agents: agents.collect(),
        members: if rng.u32(..4) == 0 { 5 } else { 3 },
        delay_ms: [5, 20, 80][rng.usize(..3)],
        reorder: rng.bool(),
        duplicates: [0, 0, 5, 20][rng.usize(..4)],
        drops: [0, 0, 2, 10][rng.usize(..4)],
        sync_ms: [3, 20, 120][rng.usize(..3)],
        cannot_tell: [0, 10, 30][rng.usize(..3)],
        failures: [0, 10, 30][rng.usize(..3)],
        faults_ms: rng.u64(8..30) * 1000,
        only_coordinators: rng.u32(..6) == 0,
    }
}
