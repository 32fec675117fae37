//! What is known after a restore: whatever was acknowledged between a backup and the return from it may be there or not.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::Evidence;
use crate::history::{Kind, Op, pairs};

/// The evidence, with answers of a time that was lost turned into ends that nobody knows.
pub(super) fn known(evidence: &Evidence) -> Cow<'_, Evidence> {
    let lost = lost_times(&evidence.history);
    if lost.is_empty() {
        return Cow::Borrowed(evidence);
    }
    let pairs = pairs(&evidence.history);
    let answered = pairs.iter().filter_map(|pair| Some((pair.invoke.time, pair.ok()?)));
    let in_doubt = |(asked, op): &(u64, &Op)| lost.iter().any(|(from, to)| op.time >= *from && asked <= to);
    let doubtful: BTreeSet<u64> = answered.filter(in_doubt).map(|(_, op)| op.index).collect();
    let mut evidence = evidence.clone();
    for op in evidence.history.iter_mut().filter(|op| doubtful.contains(&op.index)) {
        op.kind = Kind::Info;
    }
    Cow::Owned(evidence)
}

/// From the beginning of each backup that was returned to, to the return.
fn lost_times(history: &[Op]) -> Vec<(u64, u64)> {
    let mut times = Vec::new();
    let mut backup = None;
    for op in history {
        match &*op.f {
            "backup" => backup = Some(op.time),
            "restored" => times.extend(backup.take().map(|from| (from, op.time))),
            _ => {}
        }
    }
    // One that the test did not live to see the return from.
    times.extend(backup.map(|from| (from, u64::MAX)));
    times
}

#[cfg(test)]
mod tests {
    use super::super::made::history;
    use super::*;

    #[test]
    fn answers_between_a_backup_and_the_return_are_in_doubt() {
        let ask = |process: u8, from: u8, to: u8| {
            format!(
                "{{:type :invoke :time {from} :process {process} :f :start}} {{:type :ok :time {to} :process {process} :f :start}} "
            )
        };
        let note = |time: u8, f: &str| format!("{{:type :info :time {time} :process :nemesis :f :{f}}} ");
        let text =
            [ask(1, 1, 2), note(3, "backup"), ask(2, 4, 5), note(6, "restored"), ask(3, 7, 8)].concat();
        let evidence = history(&text);
        let known = known(&evidence);
        let kinds: Vec<_> = known.history.iter().filter(|op| op.f == "start").map(|op| op.kind).collect();
        use Kind::{Info, Invoke, Ok};
        assert_eq!(kinds, [Invoke, Ok, Invoke, Info, Invoke, Ok]);
        let without = history(&ask(1, 1, 2));
        assert!(matches!(super::known(&without), Cow::Borrowed(_)));
    }
}
