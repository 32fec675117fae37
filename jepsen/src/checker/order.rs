//! P3, INV5: a step begins only after everything that it needs is done, and an undo only after everything that depended
//! on its step is undone; by the targets' clock, which is one.

use std::collections::BTreeMap;

use super::{Evidence, Verdict};
use crate::last::Run;
use crate::witness::Seen;

const NAME: &str = "order";

/// By step: when it first began, and when it first was done, in one direction.
type Times = BTreeMap<(String, String), (Option<u64>, Option<u64>)>;

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let (done, undone) = (times(&evidence.witness, "do"), times(&evidence.witness, "undo"));
    let mut findings = Vec::new();
    let mut edges = 0;
    for run in evidence.last.iter().flat_map(|last| &last.runs) {
        for step in &run.steps {
            for needed in &step.needs {
                let (step, needed) = (&*step.step, &**needed);
                edges += 1;
                findings.extend(too_early(run, &done, step, needed, "began before what it needs was done:"));
                findings.extend(undone_too_early(run, &done, &undone, needed, step));
            }
        }
    }
    Verdict::of(NAME, format!("{edges} edges"), findings)
}

fn times(witness: &[Seen], direction: &str) -> Times {
    let mut times = Times::new();
    for line in witness.iter().filter(|line| line.direction == direction) {
        let entry = times.entry((line.run.clone(), line.step.clone())).or_default();
        let first = match &*line.what {
            "began" => &mut entry.0,
            "applied" | "ended" => &mut entry.1,
            _ => continue,
        };
        *first = Some(first.map_or(line.time, |time| time.min(line.time)));
    }
    times
}

fn too_early(run: &Run, times: &Times, later: &str, earlier: &str, sentence: &str) -> Option<String> {
    let of = |step: &str| times.get(&(run.run.clone(), step.to_owned())).copied().unwrap_or_default();
    let began = of(later).0?;
    // What no target does (an approval, say) leaves no witness.
    if run.step(earlier)?.kind != "command" {
        return None;
    }
    let wrong = of(earlier).1.is_none_or(|done| done > began);
    wrong.then(|| format!("{}/{later} {sentence} {earlier}", run.run))
}

/// The undo of `needed`, while `dependent` had happened and was not undone.
fn undone_too_early(
    run: &Run,
    done: &Times,
    undone: &Times,
    needed: &str,
    dependent: &str,
) -> Option<String> {
    let key = (run.run.clone(), dependent.to_owned());
    done.get(&key)?.1?;
    if !run.step(dependent)?.undoable {
        return None;
    }
    too_early(run, undone, needed, dependent, "began to be undone before what depended on it was undone:")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Valid;
    use super::super::made::{evidence, run};
    use super::*;

    fn valid(lines: &str) -> Valid {
        let step = |name: &str, needs: &[&str]| json!({"step": name, "needs": needs, "kind": "command", "undoable": true});
        check(&evidence(lines, run("undone", json!([step("a", &[]), step("b", &["a"])])))).valid
    }

    #[test]
    fn a_step_waits_for_what_it_needs() {
        assert_eq!(valid("1 began r/a 1\n2 ended r/a 1\n3 began r/b 2"), Valid::True);
        assert_eq!(valid("1 began r/a 1\n4 ended r/a 1\n3 began r/b 2"), Valid::False);
        assert_eq!(valid("3 began r/b 2"), Valid::False);
    }

    #[test]
    fn an_undo_waits_for_the_undo_of_what_came_after() {
        let done = "1 began r/a 1\n2 ended r/a 1\n3 began r/b 2\n4 ended r/b 2\n";
        assert_eq!(
            valid(&format!("{done}5 began r/undo:b 3\n6 ended r/undo:b 3\n7 began r/undo:a 4")),
            Valid::True
        );
        assert_eq!(
            valid(&format!("{done}5 began r/undo:b 3\n8 ended r/undo:b 3\n7 began r/undo:a 4")),
            Valid::False
        );
        assert_eq!(valid(&format!("{done}7 began r/undo:a 4")), Valid::False);
    }
}
