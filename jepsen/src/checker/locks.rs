//! P5, INV9: from the first to the last time that a run was seen inside of a lock, no other run was.

use std::collections::BTreeMap;

use super::{Evidence, Verdict};

const NAME: &str = "locks";

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let mut spans: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for line in evidence.witness.iter().filter(|line| line.subject.starts_with("lock-")) {
        let span = spans.entry((&line.subject, &line.run)).or_insert((line.time, line.time));
        *span = (span.0.min(line.time), span.1.max(line.time));
    }
    let mut by_time: Vec<_> = spans.iter().collect();
    by_time.sort_by_key(|((lock, _), span)| (*lock, **span));
    let mut findings = Vec::new();
    let mut last: Option<(&str, &str, u64)> = None;
    for ((lock, run), (from, to)) in by_time {
        match last {
            Some((before, holder, until)) if before == *lock && until > *from => {
                findings.push(format!("{run} was inside of {lock} while {holder} still was"));
                last = Some((lock, if until > *to { holder } else { run }, until.max(*to)));
            }
            _ => last = Some((lock, run, *to)),
        }
    }
    Verdict::of(NAME, format!("{} holders", spans.len()), findings)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Valid;
    use super::super::made::{evidence, run};
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let valid = |lines: &str| check(&evidence(lines, run("failed", json!([])))).valid;
        assert_eq!(
            valid("1 began r/a 1 lock-x\n2 ended r/a 1 lock-x\n3 began s/a 2 lock-x\n4 ended s/a 2 lock-x"),
            Valid::True
        );
        assert_eq!(valid("1 began r/a 1 lock-x\n3 ended r/b 1 lock-x\n2 began s/a 2 lock-x"), Valid::False);
        assert_eq!(valid("1 began r/a 1 lock-x\n3 ended r/b 1 lock-x\n2 began s/a 2 lock-y"), Valid::True);
    }
}
