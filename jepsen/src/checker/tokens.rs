//! P6, INV4: the tokens that a target sees never fall. A step that may be repeated is the exception that `semantics.md`
//! names as its honest limit: its frozen executor may act late, so such a fall is told, and no violation, unless the
//! target itself had to be fenced. No two attempts come with the same token.

use std::collections::BTreeMap;

use super::{Evidence, Verdict};
use crate::witness::Seen;

const NAME: &str = "tokens";

/// Which attempt a line is of.
fn attempt(line: &Seen) -> (&str, &str, &str, u64) {
    (&line.run, &line.step, &line.direction, line.attempt)
}

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let mut newest: BTreeMap<String, &Seen> = BTreeMap::new();
    let (mut findings, mut late, mut refused) = (Vec::new(), 0, 0);
    for line in &evidence.witness {
        let target = match (&*line.what, &*line.subject) {
            ("began", "") => format!("{} {} {}", line.run, line.step, line.direction),
            ("began" | "applied", subject) if !subject.is_empty() && !subject.starts_with("resource") => {
                subject.to_owned()
            }
            ("refused", _) => {
                refused += 1;
                continue;
            }
            _ => continue,
        };
        match newest.get(&target) {
            Some(seen) if seen.token > line.token && line.class == "I" && line.subject.is_empty() => {
                late += 1
            }
            Some(seen) if seen.token > line.token => findings.push(format!(
                "{target} saw token {} of {}/{} after {} of {}/{}",
                line.token, line.run, line.step, seen.token, seen.run, seen.step
            )),
            Some(seen) if seen.token == line.token && attempt(seen) != attempt(line) => {
                findings.push(format!(
                    "{target} saw token {} of {}/{} and of {}/{}: a token is one attempt's",
                    line.token, line.run, line.step, seen.run, seen.step
                ))
            }
            _ => {
                newest.insert(target, line);
            }
        }
    }
    let note = format!(
        "{} targets; {late} late starts of idempotent steps, {refused} refused by a fenced target",
        newest.len()
    );
    Verdict::of(NAME, note, findings)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Valid;
    use super::super::made::{evidence, run};
    use super::*;

    #[test]
    fn tokens_never_fall() {
        let valid = |lines: &str| check(&evidence(lines, run("failed", json!([])))).valid;
        assert_eq!(valid("1 began r/a 7 - P\n2 began r/a 8 - P"), Valid::True);
        assert_eq!(valid("1 began r/a 8 - P\n2 began r/a 7 - P"), Valid::False);
        assert_eq!(valid("1 began r/a 8 - I\n2 began r/a 7 - I"), Valid::True);
        assert_eq!(valid("1 applied r/a 8 fenced I\n2 applied r/b 7 fenced I"), Valid::False);
        assert_eq!(valid("1 applied r/a 8 fenced I\n2 applied r/b 8 fenced I"), Valid::False);
        assert_eq!(valid("1 applied r/a 8 fenced I\n2 refused r/b 7 fenced I"), Valid::True);
    }
}
