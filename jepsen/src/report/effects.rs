//! What the targets saw, and which rows of the matrix were met.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::draw::escaped;
use crate::checker::{Evidence, fired};
use crate::witness::{Key, Seen};

/// Rows of `semantics.md`'s matrix.
const ROWS: [(&str, usize); 8] =
    [("M", 7), ("A", 10), ("P", 5), ("Z", 5), ("G", 4), ("C", 6), ("T", 1), ("U", 2)];

pub(super) fn matrix(evidence: &Evidence) -> String {
    let hit: BTreeSet<String> = fired(&evidence.history).into_iter().flat_map(|fault| fault.rows).collect();
    let mut grid = String::from("<p class=\"grid\">");
    for (letter, count) in ROWS {
        for row in (1..=count).map(|number| format!("{letter}{number:02}")) {
            let class = if hit.contains(&row) { "hit" } else { "" };
            let _ = write!(grid, "<span class=\"{class}\">{row}</span>");
        }
    }
    grid + "</p>"
}

/// Effects by step, those that are not plain; a plain one began once, was applied once and ended.
pub(super) fn table(evidence: &Evidence) -> String {
    let mut effects: BTreeMap<Key, Vec<&Seen>> = BTreeMap::new();
    for line in evidence.witness.iter().filter(|line| line.subject.is_empty()) {
        effects.entry(line.key()).or_default().push(line);
    }
    let count = |lines: &[&Seen], what: &str| lines.iter().filter(|line| line.what == what).count();
    let is_plain = |lines: &[&Seen]| ["began", "applied", "ended"].iter().all(|what| count(lines, what) == 1);
    let plain = effects.values().filter(|lines| is_plain(lines)).count();
    let mut rows = String::new();
    for ((run, step, direction), lines) in effects.iter().filter(|(_, lines)| !is_plain(lines)).take(400) {
        let tokens: BTreeSet<_> = lines.iter().map(|line| (line.attempt, line.token)).collect();
        let tokens: Vec<_> =
            tokens.iter().map(|(attempt, token)| format!("{attempt} with {token}")).collect();
        let _ = write!(
            rows,
            "<tr><td>{}/{}<td>{direction}<td>{}<td>{}<td>{}<td>{}<td>{}",
            escaped(run),
            escaped(step),
            lines[0].class,
            count(lines, "began"),
            count(lines, "applied"),
            count(lines, "ended"),
            tokens.join(", ")
        );
    }
    format!(
        "<p>{plain} of {} effects are plain.</p><div class=\"scroll\"><table><tr><th>step<th>way<th>class<th>began<th>applied<th>ended<th>attempt with token{rows}</table></div>",
        effects.len()
    )
}
