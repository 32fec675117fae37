//! The matrix's T01: a wall clock that jumps moves no deadline. Where nothing but wall clocks was bent, no attempt was lost:
//! every step came to its end in the first one, in each direction.

use std::collections::BTreeMap;

use super::{Evidence, Verdict, fired};
use crate::last::{Run, Step};

const NAME: &str = "clocks";

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let fired: Vec<_> =
        fired(&evidence.history).into_iter().filter(|fault| fault.outcome == "installed").collect();
    let others = fired.iter().filter(|fault| !fault.card.starts_with("clock/")).count();
    let note = format!("{} faults bent clocks, {others} did something else", fired.len() - others);
    if others > 0 || fired.is_empty() {
        return Verdict::of(NAME, note, Vec::new());
    }
    let runs = evidence.last.iter().flat_map(|last| &last.runs);
    let steps = runs.flat_map(|run| run.steps.iter().map(move |step| (run, step)));
    Verdict::of(NAME, note, steps.filter_map(|(run, step)| lost(run, step)).collect())
}

fn lost(run: &Run, step: &Step) -> Option<String> {
    let mut attempts: BTreeMap<&str, usize> = BTreeMap::new();
    for attempt in &step.attempts {
        *attempts.entry(&attempt.direction).or_default() += 1;
    }
    let most = attempts.into_values().max().filter(|most| *most > 1)?;
    Some(format!("{}/{} took {most} attempts, though only wall clocks were bent", run.run, step.step))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Valid;
    use super::super::made::{evidence, fault, run};
    use super::*;

    #[test]
    fn a_clock_ends_no_attempt() {
        let valid = |card: &str, attempts: serde_json::Value| {
            let last = run("succeeded", json!([{"step": "a", "attempts": attempts}]));
            check(&Evidence { history: fault(card, "").history, ..evidence("", last) }).valid
        };
        let (once, twice) = (json!([{"direction": "do"}]), json!([{"direction": "do"}, {"direction": "do"}]));
        let undone = json!([{"direction": "do"}, {"direction": "undo"}]);
        assert_eq!(valid("clock/agent/ahead", once), Valid::True);
        assert_eq!(valid("clock/agent/ahead", undone), Valid::True);
        assert_eq!(valid("clock/agent/ahead", twice.clone()), Valid::False);
        assert_eq!(valid("kill/agent/executing", twice), Valid::True);
    }
}
