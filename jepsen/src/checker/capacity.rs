//! P5, INV9: the units of a resource that are drawn at once never exceed its capacity.

use std::collections::BTreeMap;

use super::{Evidence, Verdict};
use crate::workload::CAPACITY;

const NAME: &str = "capacity";

pub(super) fn check(evidence: &Evidence) -> Verdict {
    // A drawer that never said that it ended died at some time that nobody knows: it counts for the moment it began.
    let mut drawn: BTreeMap<(&str, &str, u64), (u64, u64)> = BTreeMap::new();
    for line in evidence.witness.iter().filter(|line| line.subject.starts_with("resource-")) {
        let span = drawn.entry((&line.run, &line.step, line.token)).or_insert((line.time, line.time));
        span.1 = span.1.max(line.time);
    }
    let mut most = 0;
    let mut findings = Vec::new();
    for (from, _) in drawn.values() {
        let at_once: Vec<_> = drawn.iter().filter(|(_, span)| span.0 <= *from && *from <= span.1).collect();
        most = most.max(at_once.len());
        if at_once.len() > CAPACITY {
            let names: Vec<_> = at_once.iter().map(|((run, step, _), _)| format!("{run}/{step}")).collect();
            findings.push(format!("{} drew at once on a capacity of {CAPACITY}", names.join(", ")));
        }
    }
    Verdict::of(NAME, format!("{} draws, at most {most} at once", drawn.len()), findings)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Valid;
    use super::super::made::{evidence, run};
    use super::*;

    #[test]
    fn two_units_and_no_third() {
        let valid = |lines: &str| check(&evidence(lines, run("failed", json!([])))).valid;
        let two = "1 began r/a 1 resource-io\n5 ended r/a 1 resource-io\n2 began r/b 2 resource-io\n4 ended r/b 2 resource-io\n";
        assert_eq!(valid(&format!("{two}6 began r/c 3 resource-io")), Valid::True);
        assert_eq!(valid(&format!("{two}3 began r/c 3 resource-io")), Valid::False);
    }
}
