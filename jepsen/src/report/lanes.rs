//! Every operation as a bar in its process's lane, as Jepsen draws it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::draw::{Axis, colour, escaped, svg};
use crate::checker::Evidence;
use crate::edn;
use crate::history::pairs;

const LANE: f64 = 14.0;
/// A page must stay one that a browser opens.
const MOST: usize = 6000;

pub(super) fn lanes(evidence: &Evidence) -> String {
    let (axis, pairs) = (Axis::of(evidence), pairs(&evidence.history));
    let mut rows: BTreeMap<_, usize> = BTreeMap::new();
    for pair in &pairs {
        let next = rows.len();
        rows.entry(pair.invoke.process).or_insert(next);
    }
    let height = (rows.len() as f64).max(1.0) * LANE + 24.0;
    let mut body = axis.bands(evidence, height - 20.0);
    for (process, row) in &rows {
        let _ = write!(body, "<text x=\"4\" y=\"{:.0}\">{process}</text>", *row as f64 * LANE + 11.0);
    }
    for pair in pairs.iter().take(MOST) {
        let end = pair.end.map_or(u64::MAX, |op| op.time).min(pair.invoke.time + 20_000_000_000);
        let (x, y) = (axis.x(pair.invoke.time), rows[&pair.invoke.process] as f64 * LANE);
        let width = if pair.end.is_some() { axis.x(end) - x } else { 6.0 };
        let told = pair.end.unwrap_or(pair.invoke);
        let title =
            format!("{} {} {}", told.f, edn::written(&told.value), told.error.as_deref().unwrap_or_default());
        let _ = write!(
            body,
            "<rect x=\"{x:.1}\" y=\"{y:.0}\" width=\"{:.1}\" height=\"{:.0}\" fill=\"{}\"><title>{}</title></rect>",
            width.max(1.2),
            LANE - 3.0,
            colour(pair.end.map(|op| op.kind)),
            escaped(&title)
        );
    }
    body.push_str(&axis.ticks(height - 6.0));
    let left_out = pairs.len().saturating_sub(MOST);
    let note = if left_out > 0 {
        format!("<p class=\"soft\">{left_out} later operations are in history.edn.</p>")
    } else {
        String::new()
    };
    format!("<div class=\"scroll\">{}</div>{note}", svg(height, &body))
}
