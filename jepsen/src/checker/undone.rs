//! A run that counts as undone has undone everything that it did and that can be undone.

use super::{Evidence, Verdict};
use crate::witness::by_effect;

const NAME: &str = "undone";

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let applied = by_effect(&evidence.witness, "applied");
    let mut findings = Vec::new();
    let mut undone = 0;
    for run in evidence.last.iter().flat_map(|last| &last.runs).filter(|run| run.status == "undone") {
        undone += 1;
        for step in run.steps.iter().filter(|step| step.undoable) {
            let there = |direction: &str| {
                applied.contains_key(&(run.run.clone(), step.step.clone(), direction.to_owned()))
            };
            if there("do") && !there("undo") {
                findings.push(format!("{} counts as undone, and {} was never undone", run.run, step.step));
            }
        }
    }
    Verdict::of(NAME, format!("{undone} runs"), findings)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Valid;
    use super::super::made::{evidence, run};
    use super::*;

    #[test]
    fn what_was_done_is_undone() {
        let valid = |lines: &str| {
            check(&evidence(lines, run("undone", json!([{"step": "a", "undoable": true}])))).valid
        };
        assert_eq!(valid("1 applied r/a 1\n2 applied r/undo:a 2"), Valid::True);
        assert_eq!(valid(""), Valid::True);
        assert_eq!(valid("1 applied r/a 1"), Valid::False);
    }
}
