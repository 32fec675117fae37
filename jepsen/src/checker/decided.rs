//! P7, INV6: in a healed cluster every run has ended, or is parked with a reason.

use super::{Evidence, Verdict};
use crate::last::Run;

const NAME: &str = "decided";

pub(super) fn check(evidence: &Evidence) -> Verdict {
    if let Some(op) = evidence.history.iter().find(|op| op.f == "not-ready") {
        let why = op.text("why").unwrap_or_default();
        return Verdict::of(
            NAME,
            "",
            vec![format!("everything was healed, and the cluster did not come back: {why}")],
        );
    }
    let last = match evidence.last() {
        Ok(last) => last,
        Err(why) => return Verdict::unknown(NAME, why),
    };
    let ended = last.runs.iter().filter(|run| run.has_ended()).count();
    let wrong = last.runs.iter().filter(|run| !is_decided(run));
    let shown = |run: &Run| {
        let open = run.steps.iter().filter(|step| {
            !matches!(&*step.status, "succeeded" | "waiting" | "skipped" | "undone" | "canceled")
        });
        let open: Vec<_> = open
            .map(|step| {
                format!("{} {} ({})", step.step, step.status, step.reason.as_deref().unwrap_or("no reason"))
            })
            .collect();
        format!("{} is {} and moves no more: {}", run.run, run.status, open.join(", "))
    };
    let note = format!("{} runs: {ended} ended, {} parked", last.runs.len(), last.runs.len() - ended);
    Verdict::of(NAME, note, wrong.map(shown).collect())
}

/// It has ended, or waits for a person and says why: itself, or in one of its steps.
pub(crate) fn is_decided(run: &Run) -> bool {
    let says = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let asks = run.steps.iter().any(|step| step.status == "awaiting_approval");
    run.has_ended()
        || (run.needs_operator
            && (says(&run.reason) || asks || run.steps.iter().any(|step| says(&step.reason))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Valid;
    use super::super::made::{evidence, run};
    use super::*;

    #[test]
    fn a_run_that_hangs_is_found() {
        let valid = |status: &str, steps| check(&evidence("", run(status, steps))).valid;
        assert_eq!(valid("succeeded", json!([])), Valid::True);
        assert_eq!(
            valid("running", json!([{"step": "a", "status": "in_doubt", "reason": "nobody knows"}])),
            Valid::True
        );
        assert_eq!(valid("running", json!([{"step": "a", "status": "running"}])), Valid::False);
        assert_eq!(check(&Evidence::default()).valid, Valid::Unknown);
        let dead = super::super::made::history(
            "{:type :info :process :nemesis :f :not-ready :value {:why \"no leader\"}}",
        );
        assert_eq!(check(&dead).valid, Valid::False);
    }
}
