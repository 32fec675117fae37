//! M01: one request id is one run, however often it was asked for, and whoever answered.

use std::collections::BTreeMap;

use super::{Evidence, Verdict};
use crate::history::pairs;

const NAME: &str = "one-run";

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let mut runs: BTreeMap<&str, &str> = BTreeMap::new();
    let mut findings = Vec::new();
    let (mut asked, mut unknown) = (0, BTreeMap::<&str, u64>::new());
    for pair in pairs(&evidence.history).iter().filter(|pair| pair.invoke.f == "start") {
        let Some(request) = pair.invoke.text("request") else { continue };
        asked += 1;
        match pair.ok().and_then(|op| op.text("run")) {
            Some(run) => match runs.insert(request, run) {
                Some(other) if other != run => {
                    findings.push(format!("request {request} became {other} and {run}"))
                }
                _ => {}
            },
            None if !pair.failed() => {
                *unknown.entry(pair.invoke.text("plan").unwrap_or_default()).or_default() += 1
            }
            None => {}
        }
    }
    findings.extend(too_many(evidence, &runs, &unknown));
    Verdict::of(NAME, format!("{asked} starts, {} runs", runs.len()), findings)
}

/// Runs of a plan that nobody asked for: a start whose end nobody knows may have become at most one.
fn too_many(evidence: &Evidence, runs: &BTreeMap<&str, &str>, unknown: &BTreeMap<&str, u64>) -> Vec<String> {
    let known: std::collections::BTreeSet<_> = runs.values().copied().collect();
    let mut strangers: BTreeMap<&str, u64> = BTreeMap::new();
    for run in evidence.last.iter().flat_map(|last| &last.runs).filter(|run| !known.contains(&*run.run)) {
        *strangers.entry(&run.plan).or_default() += 1;
    }
    let allowed = |plan: &str| unknown.get(plan).copied().unwrap_or(0);
    let wrong = strangers.iter().filter(|(plan, count)| **count > allowed(plan));
    wrong
        .map(|(plan, count)| {
            format!(
                "{count} runs of {plan} that nobody was told of, and {} starts without an answer",
                allowed(plan)
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::Valid;
    use super::super::made::history;
    use super::*;

    #[test]
    fn one_request_is_one_run() {
        let start = |process: u8, run: &str| {
            format!(
                "{{:type :invoke :process {process} :f :start :value {{:request \"q\" :plan \"p\"}}}} {{:type :ok :process {process} :f :start :value {{:request \"q\" :run \"{run}\"}}}}"
            )
        };
        assert_eq!(check(&history(&(start(1, "a") + &start(2, "a")))).valid, Valid::True);
        assert_eq!(check(&history(&(start(1, "a") + &start(2, "b")))).valid, Valid::False);
    }

    #[test]
    fn a_run_that_nobody_asked_for_is_found() {
        let mut evidence = history(
            "{:type :invoke :process 1 :f :start :value {:request \"q\" :plan \"p\"}} {:type :info :process 1 :f :start}",
        );
        let run = |name: &str| crate::last::Run { run: name.into(), plan: "p".into(), ..Default::default() };
        evidence.last = Some(crate::last::Last { runs: vec![run("a")], ..Default::default() });
        assert_eq!(check(&evidence).valid, Valid::True);
        evidence.last.as_mut().unwrap().runs.push(run("b"));
        assert_eq!(check(&evidence).valid, Valid::False);
    }
}
