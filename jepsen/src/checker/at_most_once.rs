//! P1, INV1, INV2: a step that must not be repeated takes effect at most once, and once it counts as succeeded, exactly
//! once. One without a probe does not even begin twice. The targets say so, not Baton.

use std::collections::BTreeSet;

use super::{Evidence, Verdict};
use crate::witness::{Key, by_effect};

const NAME: &str = "at-most-once";

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let mut findings = Vec::new();
    let pardoned = pardoned(evidence);
    for (what, classes) in [("applied", "NP"), ("began", "N")] {
        for (key, lines) in by_effect(&evidence.witness, what) {
            let counted =
                classes.contains(&*lines[0].class) && !pardoned.contains(&(key.0.clone(), key.1.clone()));
            if counted && lines.len() > 1 {
                let tokens: Vec<_> = lines.iter().map(|line| line.token).collect();
                findings.push(format!(
                    "{} {what} {} times, with tokens {tokens:?}",
                    shown(&key),
                    lines.len()
                ));
            }
        }
    }
    findings.extend(succeeded_without_effect(evidence));
    let applied = by_effect(&evidence.witness, "applied");
    let once = applied.values().filter(|lines| lines[0].class != "I").count();
    Verdict::of(NAME, format!("{once} effects that must not be repeated, of {}", applied.len()), findings)
}

/// Steps that a person let be attempted again.
fn pardoned(evidence: &Evidence) -> BTreeSet<(String, String)> {
    let retries = evidence.history.iter().filter(|op| matches!(op.text("decision"), Some("resolve_retry")));
    retries.filter_map(|op| Some((op.text("run")?.to_owned(), op.text("step")?.to_owned()))).collect()
}

fn succeeded_without_effect(evidence: &Evidence) -> Vec<String> {
    let applied = by_effect(&evidence.witness, "applied");
    let runs = evidence.last.iter().flat_map(|last| &last.runs);
    let steps = runs.flat_map(|run| run.steps.iter().map(move |step| (run, step)));
    // A fenced target keeps its effects under its own name.
    let fenced = |run: &str, step: &str| {
        evidence.witness.iter().any(|line| {
            line.run == run && line.step == step && line.what == "applied" && !line.subject.is_empty()
        })
    };
    let missing = steps.filter(|(run, step)| {
        let key = (run.run.clone(), step.step.clone(), "do".to_owned());
        step.kind == "command"
            && step.status == "succeeded"
            && !applied.contains_key(&key)
            && !fenced(&run.run, &step.step)
    });
    missing
        .map(|(run, step)| format!("{}/{} succeeded, and its target knows of no effect", run.run, step.step))
        .collect()
}

/// `run/step`, or the undo of it.
pub(super) fn shown((run, step, direction): &Key) -> String {
    if direction == "undo" { format!("the undo of {run}/{step}") } else { format!("{run}/{step}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Valid;
    use super::super::made::{evidence, run};
    use super::*;

    fn valid(lines: &str) -> Valid {
        let steps = json!([{"step": "a", "status": "succeeded", "kind": "command"}]);
        check(&evidence(lines, run("succeeded", steps))).valid
    }

    #[test]
    fn a_duplicated_line_of_the_witness_is_seen() {
        assert_eq!(valid("1 began r/a 7\n2 applied r/a 7"), Valid::True);
        assert_eq!(valid("1 began r/a 7\n2 applied r/a 7\n2 applied r/a 7"), Valid::False);
        assert_eq!(valid("1 began r/a 7\n2 applied r/a 7\n3 began r/a 9"), Valid::False);
    }

    #[test]
    fn a_probed_step_may_begin_again_and_an_idempotent_one_may_do_what_it_likes() {
        assert_eq!(valid("1 began r/a 7 - P\n2 began r/a 8 - P\n3 applied r/a 8 - P"), Valid::True);
        assert_eq!(valid("1 applied r/a 7 - P\n3 applied r/a 8 - P"), Valid::False);
        assert_eq!(valid("1 applied r/a 7 - I\n3 applied r/a 8 - I"), Valid::True);
    }

    #[test]
    fn an_undo_counts_by_itself_and_a_success_needs_an_effect() {
        assert_eq!(valid("1 applied r/a 7\n3 applied r/undo:a 8"), Valid::True);
        assert_eq!(valid(""), Valid::False);
    }
}
