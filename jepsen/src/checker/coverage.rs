//! Did the faults happen at all? A nemesis that did nothing leaves the verdict open: a test without faults proves nothing
//! about them. One that this machine cannot do is told as skipped; whoever asked for it by name is not satisfied with that.

use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, Valid, Verdict};
use crate::history::{Kind, Op, Process};

const NAME: &str = "faults";

/// One fault that was to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fired {
    pub(crate) card: String,
    /// `installed`, `skipped` or `indeterminate`.
    pub(crate) outcome: String,
    pub(crate) detail: String,
    /// Rows of the matrix, where the fault met the state that it waited for.
    pub(crate) rows: Vec<String>,
    pub(crate) time: u64,
}

/// All faults of a history.
pub(crate) fn fired(history: &[Op]) -> Vec<Fired> {
    let faults = history
        .iter()
        .filter(|op| op.process == Process::Nemesis && op.kind == Kind::Info && op.f == "fault");
    let fired = |op: &Op| {
        let text = |key| op.text(key).unwrap_or_default().to_owned();
        let rows = op.value.get("rows").and_then(|rows| rows.as_array()).cloned().unwrap_or_default();
        Fired {
            card: text("card"),
            outcome: text("outcome"),
            detail: text("detail"),
            rows: rows.iter().filter_map(|row| row.as_str().map(str::to_owned)).collect(),
            time: op.time,
        }
    };
    faults.map(fired).collect()
}

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let fired = fired(&evidence.history);
    let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for nemesis in &evidence.nemeses {
        counts.entry(nemesis).or_default();
    }
    for fault in &fired {
        let nemesis = fault.card.split('/').next().unwrap_or_default();
        *counts.entry(nemesis).or_default().entry(&fault.outcome).or_default() += 1;
    }
    let did = |counts: &BTreeMap<&str, usize>, outcome: &str| counts.get(outcome).copied().unwrap_or(0);
    let mut findings = Vec::new();
    for (nemesis, counts) in &counts {
        let skipped = did(counts, "skipped") > 0 && !evidence.insisted.contains(*nemesis);
        if did(counts, "installed") == 0 && !skipped {
            findings.push(format!("{nemesis} did nothing: {counts:?}"));
        }
    }
    findings.extend(no_packet_was_touched(evidence, &fired));
    let rows: BTreeSet<_> = fired.iter().flat_map(|fault| &fault.rows).collect();
    let installed = fired.iter().filter(|fault| fault.outcome == "installed").count();
    let note = format!("{installed} of {} installed, {} rows of the matrix", fired.len(), rows.len());
    let valid = if findings.is_empty() { Valid::True } else { Valid::Unknown };
    Verdict { checker: NAME, valid, note, findings }
}

/// Networks that were cut and let everything through, or were slow and delayed nothing.
fn no_packet_was_touched<'a>(
    evidence: &'a Evidence,
    fired: &'a [Fired],
) -> impl Iterator<Item = String> + 'a {
    [("partition/", "dropped", "cut"), ("replies/", "dropped", "cut"), ("latency/", "delayed", "slow")]
        .into_iter()
        .filter_map(|(cards, f, so)| {
            let did = fired.iter().any(|fault| fault.outcome == "installed" && fault.card.starts_with(cards));
            let counted = evidence.history.iter().rev().find(|op| op.f == f)?;
            let packets = counted.value.get("packets")?.as_u64()?;
            (did && packets == 0).then(|| format!("networks were {so}, and no packet was {f}"))
        })
}

#[cfg(test)]
mod tests {
    use super::super::made::history;
    use super::*;

    #[test]
    fn a_nemesis_that_did_nothing_leaves_the_verdict_open() {
        let valid = |outcome: &str, insisted: &[&str]| {
            let fault = format!(
                "{{:type :info :process :nemesis :f :fault :value {{:card \"kill/x\" :outcome \"{outcome}\" :rows [\"M04\"]}}}}"
            );
            let insisted = insisted.iter().map(|name| (*name).to_owned()).collect();
            check(&Evidence { nemeses: vec!["kill".into()], insisted, ..history(&fault) }).valid
        };
        assert_eq!(valid("installed", &[]), Valid::True);
        assert_eq!(valid("indeterminate", &[]), Valid::Unknown);
        assert_eq!(valid("skipped", &[]), Valid::True);
        assert_eq!(valid("skipped", &["kill"]), Valid::Unknown);
        let cut = |packets: u8| {
            let fault = "{:type :info :process :nemesis :f :fault :value {:card \"partition/x\" :outcome \"installed\"}}";
            check(&history(&format!(
                "{fault} {{:type :info :process :nemesis :f :dropped :value {{:packets {packets}}}}}"
            )))
            .valid
        };
        assert_eq!([cut(0), cut(1)], [Valid::Unknown, Valid::True]);
        let nothing = Evidence { nemeses: vec!["kill".into()], ..Evidence::default() };
        assert_eq!(check(&nothing).valid, Valid::Unknown);
    }
}
