//! A failing script made short: whatever can be taken out while it still fails by the same law is taken out.

use crate::range::play;
use crate::sabotage::Sabotage;
use crate::script::{Script, StepSketch};

/// The shortest script that was found.
pub fn shrink(script: &Script, sabotage: Option<Sabotage>) -> Script {
    let Some(first) = play(script, sabotage, false).violation else { return script.clone() };
    shorten(script, |candidate: &Script| {
        let violation = play(candidate, sabotage, false).violation;
        violation.is_some_and(|violation| violation.law == first.law)
    })
}

/// The shortest script that was found to fail as this one does.
pub fn shorten(script: &Script, fails: impl Fn(&Script) -> bool) -> Script {
    let mut best = script.clone();
    loop {
        let before = best.to_string().len();
        best = without_entries(best, &fails);
        best = without_steps(best, &fails);
        if best.to_string().len() == before {
            return best;
        }
    }
}

/// Halves, quarters, … of the entries are left out (ddmin).
fn without_entries(mut best: Script, fails: &impl Fn(&Script) -> bool) -> Script {
    let mut size = best.entries.len().div_ceil(2);
    while size > 0 {
        let mut from = 0;
        while from < best.entries.len() {
            let mut candidate = best.clone();
            candidate.entries.drain(from..(from + size).min(best.entries.len()));
            match fails(&candidate) {
                true => best = candidate,
                false => from += size,
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    best
}

fn without_steps(mut best: Script, fails: &impl Fn(&Script) -> bool) -> Script {
    for plan in (0..best.plans.len()).rev() {
        for step in (0..best.plans[plan].steps.len()).rev() {
            let mut candidate = best.clone();
            let StepSketch { name, .. } = candidate.plans[plan].steps.remove(step);
            candidate.plans[plan].steps.iter_mut().for_each(|other| other.needs.retain(|need| *need != name));
            if fails(&candidate) {
                best = candidate;
            }
        }
    }
    best
}
