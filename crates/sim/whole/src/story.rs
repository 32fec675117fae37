//! Which script is played: a seed's, as the core would play it, or one from a file.

use baton_sim::script::{Act, At, Entry, Op, Trigger};
use baton_sim::{Script, generate};

/// The script that a command line asks for; `None` where it asks for many. Nothing here draws a number that is not the
/// script's own.
pub(crate) fn asked_for(arguments: impl Iterator<Item = String>) -> Option<Script> {
    let arguments: Vec<String> = arguments.collect();
    let after = |name: &str| {
        let pairs = arguments.iter().zip(arguments.iter().skip(1));
        let joined = arguments.iter().find_map(|one| one.strip_prefix(name)?.strip_prefix('='));
        joined.or_else(|| pairs.clone().find(|(one, _)| *one == name).map(|(_, value)| value.as_str()))
    };
    if let Some(seed) = after("--seed") {
        return Some(of(seed.parse().ok()?));
    }
    std::fs::read_to_string(after("--script")?).ok()?.parse().ok()
}

/// The script of a seed.
pub(crate) fn of(seed: u64) -> Script {
    let mut script = generate(seed);
    script.entries.retain(|entry| !is_elsewhere(&entry.act));
    for Entry { at, .. } in &mut script.entries {
        if let At::Nth(trigger, _) = at {
            *trigger = seen_from_outside(*trigger);
        }
    }
    script
}

/// What cannot be done to real coordinators here: their wall clock is the simulation's, and nobody asks a probe by hand over
/// the wire.
fn is_elsewhere(act: &Act) -> bool {
    matches!(act, Act::WallJump { .. } | Act::Operator(Op::Ask { .. }))
}

/// Points inside of real processes are not seen; the nearest that is seen stands for each.
fn seen_from_outside(trigger: Trigger) -> Trigger {
    match trigger {
        Trigger::Proposed | Trigger::Assigned => Trigger::Granted,
        Trigger::Reported => Trigger::Finished,
        other => other,
    }
}
