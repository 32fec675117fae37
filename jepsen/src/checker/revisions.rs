//! P4 and R8 again, for histories of any size: every answer carries the log index that it reflects, so what began after an
//! answer had come must reflect at least that much; and no version of a plan is given twice.

use std::collections::BTreeSet;

use super::{Evidence, Verdict};
use crate::history::pairs;

const NAME: &str = "revisions";

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let pairs = pairs(&evidence.history);
    let answered: Vec<_> =
        pairs.iter().filter_map(|pair| Some((pair, pair.ok()?, pair.ok()?.revision()?))).collect();
    let mut ends: Vec<_> = answered.iter().map(|(_, op, revision)| (op.time, *revision, op.index)).collect();
    ends.sort_unstable();
    let mut newest = ends.iter().peekable();
    let mut seen = (0, 0);
    let mut findings = Vec::new();
    // Pairs stand in the order of their beginnings.
    for (pair, op, revision) in &answered {
        while let Some((_, known, index)) = newest.next_if(|(time, ..)| *time < pair.invoke.time) {
            seen = seen.max((*known, *index));
        }
        if *revision < seen.0 {
            findings.push(format!(
                "operation {} reflects revision {revision}, and operation {} had reflected {} before it began",
                op.index, seen.1, seen.0
            ));
        }
    }
    let count = answered.len();
    findings.extend(versions(evidence));
    Verdict::of(NAME, format!("{count} answers"), findings)
}

fn versions(evidence: &Evidence) -> Vec<String> {
    let mut given: BTreeSet<(&str, u64)> = BTreeSet::new();
    let mut findings = Vec::new();
    let pairs = pairs(&evidence.history);
    for op in pairs.iter().filter_map(|pair| pair.ok()).filter(|op| op.f == "write") {
        let version = op.value.get("version").and_then(|version| version.as_u64());
        let (Some(key), Some(version)) = (op.text("key"), version) else { continue };
        if !given.insert((key, version)) {
            findings.push(format!("two registrations of {key} were told that they are version {version}"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::Valid;
    use super::super::made::history;
    use super::*;

    fn line(kind: &str, process: u8, time: u8, revision: u8) -> String {
        format!("{{:type :{kind} :process {process} :f :read :value {{:revision {revision}}} :time {time}}} ")
    }

    #[test]
    fn what_came_later_reflects_at_least_as_much() {
        let valid = |first: u8, second: u8| {
            let text = line("invoke", 1, 1, 0)
                + &line("ok", 1, 2, first)
                + &line("invoke", 2, 3, 0)
                + &line("ok", 2, 4, second);
            check(&history(&text)).valid
        };
        assert_eq!(valid(5, 5), Valid::True);
        assert_eq!(valid(5, 4), Valid::False);
    }

    #[test]
    fn what_overlaps_may_reflect_less() {
        let text =
            line("invoke", 1, 1, 0) + &line("invoke", 2, 2, 0) + &line("ok", 1, 3, 5) + &line("ok", 2, 4, 4);
        assert_eq!(check(&history(&text)).valid, Valid::True);
    }

    #[test]
    fn a_version_is_given_once() {
        let write = "{:type :invoke :process 1 :f :write :time 1} {:type :ok :process 1 :f :write :time 1 :value {:key \"k\" :version 1 :revision 9}}";
        assert_eq!(check(&history(write)).valid, Valid::True);
        assert_eq!(check(&history(&format!("{write} {write}"))).valid, Valid::False);
    }
}
