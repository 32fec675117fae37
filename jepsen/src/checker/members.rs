//! INV7: after everything was healed, all coordinators hold the same timelines.

use std::collections::BTreeMap;

use super::{Evidence, Verdict};

const NAME: &str = "members";

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let last = match evidence.last() {
        Ok(last) => last,
        Err(why) => return Verdict::unknown(NAME, why),
    };
    let mut by_run: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for (member, runs) in &last.members {
        for (run, digest) in runs {
            by_run.entry(run).or_default().entry(digest).or_default().push(member);
        }
    }
    let answered = last.members.values().filter(|runs| !runs.is_empty()).count();
    let wrong = by_run.iter().filter(|(_, digests)| digests.len() > 1);
    let findings =
        wrong.map(|(run, digests)| format!("the members do not agree about {run}: {digests:?}")).collect();
    Verdict::of(
        NAME,
        format!("{answered} of {} answered, about {} runs", last.members.len(), by_run.len()),
        findings,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Valid;
    use super::super::made::{evidence, run};
    use super::*;

    #[test]
    fn members_that_do_not_agree_are_found() {
        let valid = |other: &str| {
            let mut last = run("running", json!([]));
            last["members"] = json!({"a": {"r": "12"}, "b": {"r": other}});
            check(&evidence("", last)).valid
        };
        assert_eq!(valid("12"), Valid::True);
        assert_eq!(valid("13"), Valid::False);
    }
}
