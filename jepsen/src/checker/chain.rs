//! P8, INV8, as far as a client can see: a timeline has no gap, its log indexes never fall, no two of its lines have the same
//! digest, and every attempt that a run shows was granted in it, or adopted after a restore.

use std::collections::BTreeSet;

use super::{Evidence, Verdict};
use crate::last::Run;

const NAME: &str = "timeline";

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let runs: Vec<_> = evidence.last.iter().flat_map(|last| &last.runs).collect();
    let lines: usize = runs.iter().map(|run| run.events.len()).sum();
    Verdict::of(NAME, format!("{lines} lines"), runs.iter().flat_map(|run| broken(run)).collect())
}

fn broken(run: &Run) -> Vec<String> {
    let mut findings = Vec::new();
    for (event, expected) in run.events.iter().zip(1..) {
        if event.sequence != expected {
            findings.push(format!("{} has line {} where {expected} should be", run.run, event.sequence));
            break;
        }
    }
    if let Some((_, event)) = run
        .events
        .iter()
        .zip(run.events.iter().skip(1))
        .find(|(before, after)| after.revision < before.revision)
    {
        findings.push(format!(
            "line {} of {} has a smaller log index than the one before",
            event.sequence, run.run
        ));
    }
    let digests: BTreeSet<_> = run.events.iter().map(|event| &event.digest).collect();
    if digests.len() < run.events.len() {
        findings.push(format!("two lines of {} have the same digest", run.run));
    }
    let granted = |step: &str| {
        run.events
            .iter()
            .filter(|event| {
                matches!(&*event.kind, "step_granted" | "attempt_adopted")
                    && event.step.as_deref() == Some(step)
            })
            .count()
    };
    for step in run.steps.iter().filter(|step| step.kind == "command") {
        let (granted, shown) = (granted(&step.step), step.attempts.len());
        if granted != shown {
            findings.push(format!(
                "{}/{} shows {shown} attempts, and its timeline {granted}",
                run.run, step.step
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Valid;
    use super::super::made::{evidence, run};
    use super::*;

    fn valid(lines: &[(u64, u64, &str)]) -> Valid {
        let mut last = run("running", json!([]));
        let line = |(sequence, revision, digest): &(u64, u64, &str)| json!({"sequence": sequence, "revision": revision, "digest": digest});
        last["runs"][0]["events"] = lines.iter().map(line).collect();
        check(&evidence("", last)).valid
    }

    #[test]
    fn a_line_that_was_taken_out_or_moved_is_missed() {
        assert_eq!(valid(&[(1, 5, "a"), (2, 5, "b"), (3, 7, "c")]), Valid::True);
        assert_eq!(valid(&[(1, 5, "a"), (3, 7, "c")]), Valid::False);
        assert_eq!(valid(&[(1, 5, "a"), (2, 4, "b")]), Valid::False);
        assert_eq!(valid(&[(1, 5, "a"), (2, 6, "a")]), Valid::False);
    }

    #[test]
    fn every_attempt_was_granted() {
        let mut last =
            run("running", json!([{"step": "a", "kind": "command", "attempts": [{"attempt": 1}]}]));
        assert_eq!(check(&evidence("", last.clone())).valid, Valid::False);
        last["runs"][0]["events"] = json!([{"sequence": 1, "kind": "step_granted", "step": "a"}]);
        assert_eq!(check(&evidence("", last)).valid, Valid::True);
    }
}
