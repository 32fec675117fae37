//! Playing one script, or the scripts of many seeds.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::laws::Violation;
use crate::marks::Marks;
use crate::sabotage::Sabotage;
use crate::script::{Script, generate};
use crate::totals::Totals;
use crate::world::World;

/// What came of one script.
#[derive(Debug, Clone)]
pub struct Played {
    /// The law that was broken, if one was.
    pub violation: Option<Violation>,
    /// Rows of the matrix that it produced.
    pub marks: Marks,
    /// What it amounted to.
    pub totals: Totals,
    /// What happened, line by line, where that was asked for.
    pub trace: Vec<String>,
}

/// Plays a script to its end.
pub fn play(script: &Script, sabotage: Option<Sabotage>, traced: bool) -> Played {
    let mut world = World::new(script.clone(), sabotage, traced);
    let outcome = catch_unwind(AssertUnwindSafe(|| world.play()));
    let mut violation = world.violation.clone();
    if let Err(panic) = outcome {
        let what = panic.downcast_ref::<String>().cloned();
        let what = what.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let what = what.unwrap_or_else(|| "it panicked".into());
        violation = Some(Violation { law: "the engine's own", what, at_ms: world.now });
    }
    world.totals.schedules = 1;
    Played { violation, marks: world.marks.clone(), totals: world.totals.clone(), trace: world.take_trace() }
}

/// What came of many seeds.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Rows of the matrix that they produced.
    pub marks: Marks,
    /// What they amounted to.
    pub totals: Totals,
    /// Seeds whose schedules broke a law.
    pub broken: Vec<(u64, Violation)>,
}

/// Plays the scripts of all these seeds, until so many of them have broken a law.
pub fn play_range(seeds: Range<u64>, sabotage: Option<Sabotage>, most_broken: usize) -> Summary {
    let mut summary = Summary::default();
    for seed in seeds {
        let played = play(&generate(seed), sabotage, false);
        summary.marks.add(&played.marks);
        summary.totals.add(&played.totals);
        if let Some(violation) = played.violation {
            summary.broken.push((seed, violation));
            if summary.broken.len() >= most_broken {
                break;
            }
        }
    }
    summary
}
