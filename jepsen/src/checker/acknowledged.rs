//! P2, INV3: what a client was told is done is there at the end: runs, decisions, plans, and every end of a run.

use std::collections::BTreeMap;

use super::{Evidence, Verdict};
use crate::history::{Op, pairs};
use crate::last::{Last, Run};

const NAME: &str = "acknowledged";

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let last = match evidence.last() {
        Ok(last) => last,
        Err(why) => return Verdict::unknown(NAME, why),
    };
    let runs: BTreeMap<&str, &Run> = last.runs.iter().map(|run| (&*run.run, run)).collect();
    let pairs = pairs(&evidence.history);
    let answers: Vec<&Op> = pairs.iter().filter_map(|pair| pair.ok()).collect();
    let lost = |op: &&Op| lost(op, &runs, last);
    let findings = answers.iter().filter_map(lost).collect();
    Verdict::of(NAME, format!("{} answers against {} runs", answers.len(), runs.len()), findings)
}

fn lost(op: &Op, runs: &BTreeMap<&str, &Run>, last: &Last) -> Option<String> {
    if op.f == "write" {
        let (key, version) = (op.text("key")?, op.value.get("version")?.as_u64()?);
        let newest = last.plans.get(key).copied().unwrap_or(0);
        return (newest < version).then(|| {
            format!("version {version} of plan {key} was acknowledged, and {newest} is the newest")
        });
    }
    let name = op.text("run")?;
    let Some(run) = runs.get(name) else {
        return Some(format!("{} of {name} was acknowledged, and there is no such run", op.f));
    };
    match &*op.f {
        "read" if op.value.get("ended")?.as_bool()? => {
            let status = op.text("status")?;
            (run.status != status).then(|| format!("{name} had ended as {status}, and is {} now", run.status))
        }
        "decide" => undecided(op, run),
        _ => None,
    }
}

/// An approval, a refusal or a cancel by somebody who does not stand in the record.
fn undecided(op: &Op, run: &Run) -> Option<String> {
    let (word, operator) = (op.text("decision")?, op.text("operator")?);
    if !matches!(word, "approve" | "decline" | "cancel") {
        return None;
    }
    // Whoever cancels a run that is being canceled already is told so, and adds nothing.
    if word == "cancel" && run.events.iter().any(|event| event.kind == "run_canceling") {
        return None;
    }
    let stands =
        |text: &str| text.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == operator);
    let known = run.events.iter().any(|event| stands(&event.text));
    (!known).then(|| {
        format!("{operator} was told that {word} of {} is done, and the record does not know it", run.run)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Valid;
    use super::super::made::{history, run};
    use super::*;

    fn valid(history_text: &str, mut last: serde_json::Value) -> Valid {
        last["plans"] = json!({"k": 2});
        let mut evidence = history(history_text);
        evidence.last = Some(serde_json::from_value(last).unwrap());
        check(&evidence).valid
    }

    fn ok(f: &str, value: &str) -> String {
        format!(
            "{{:type :invoke :process 1 :f :{f} :value {value}}} {{:type :ok :process 1 :f :{f} :value {value}}}"
        )
    }

    #[test]
    fn a_dropped_acknowledgement_is_seen() {
        let start = |name: &str| ok("start", &format!("{{:run \"{name}\"}}"));
        assert_eq!(valid(&start("r"), run("running", json!([]))), Valid::True);
        assert_eq!(valid(&start("gone"), run("running", json!([]))), Valid::False);
        assert_eq!(valid(&ok("write", "{:key \"k\" :version 2}"), run("running", json!([]))), Valid::True);
        assert_eq!(valid(&ok("write", "{:key \"k\" :version 3}"), run("running", json!([]))), Valid::False);
    }

    #[test]
    fn an_end_stays_and_a_decision_stands_in_the_record() {
        let ended = ok("read", "{:run \"r\" :status \"failed\" :ended true}");
        assert_eq!(valid(&ended, run("failed", json!([]))), Valid::True);
        assert_eq!(valid(&ended, run("running", json!([]))), Valid::False);
        let approved = ok("decide", "{:run \"r\" :decision \"approve\" :operator \"p1\"}");
        let mut last = run("running", json!([]));
        assert_eq!(valid(&approved, last.clone()), Valid::False);
        last["runs"][0]["events"] = json!([{"text": "p1 approved go, 1 of 1: jepsen"}]);
        assert_eq!(valid(&approved, last.clone()), Valid::True);
        last["runs"][0]["events"] = json!([{"text": "p11 approved go"}]);
        assert_eq!(valid(&approved, last.clone()), Valid::False);
        last["runs"][0]["events"] = json!([{"kind": "run_canceling", "text": "p7 cancels the run"}]);
        assert_eq!(valid(&approved, last.clone()), Valid::False);
        assert_eq!(valid(&approved.replace("approve", "cancel"), last), Valid::True);
    }
}
