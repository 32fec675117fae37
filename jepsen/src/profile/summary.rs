//! A test in numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::checker::{Evidence, fired};
use crate::history::pairs;
use crate::witness::by_effect;

/// The numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) operations: u64,
    pub(crate) runs: u64,
    /// Effects that must not be repeated.
    pub(crate) once_steps: u64,
    /// Of these, by targets that saw more than one.
    pub(crate) repeated: u64,
    pub(crate) leader_kills: u64,
    pub(crate) partitions: u64,
    pub(crate) power_cuts: u64,
    /// Installed faults, by nemesis.
    pub(crate) faults: BTreeMap<String, u64>,
    pub(crate) skipped: BTreeSet<String>,
    /// Rows of the matrix that were hit.
    pub(crate) rows: BTreeSet<String>,
    pub(crate) takeovers_ms: Vec<u64>,
    pub(crate) seconds: u64,
}

impl Summary {
    /// Counts.
    pub(crate) fn of(evidence: &Evidence) -> Summary {
        let mut summary = Summary {
            operations: pairs(&evidence.history).len() as u64,
            runs: evidence.last.as_ref().map_or(0, |last| last.runs.len() as u64),
            seconds: evidence.history.last().map_or(0, |op| op.time / 1_000_000_000),
            ..Summary::default()
        };
        for lines in by_effect(&evidence.witness, "applied").values().filter(|lines| lines[0].class != "I") {
            summary.once_steps += 1;
            summary.repeated += u64::from(lines.len() > 1);
        }
        for fault in fired(&evidence.history) {
            let nemesis = fault.card.split('/').next().unwrap_or_default().to_owned();
            match &*fault.outcome {
                "installed" => *summary.faults.entry(nemesis.clone()).or_default() += 1,
                "skipped" => drop(summary.skipped.insert(format!("{}: {}", fault.card, fault.detail))),
                _ => continue,
            }
            if fault.outcome == "installed" {
                let kills_leader = nemesis == "leader"
                    || fault.card == "kill/leaders-region"
                    || fault.card == "kill/coordinators"
                    || fault.card == "kill/all"
                    || fault.card == "power/leader";
                summary.leader_kills += u64::from(kills_leader);
                summary.partitions += u64::from(nemesis == "partition");
                summary.power_cuts += u64::from(nemesis == "power");
                summary.rows.extend(fault.rows);
            }
        }
        let takeovers = evidence.history.iter().filter(|op| op.f == "takeover");
        summary.takeovers_ms = takeovers.filter_map(|op| op.value.get("ms")?.as_u64()).collect();
        summary.takeovers_ms.sort_unstable();
        summary
    }

    /// Adds another test.
    pub(crate) fn add(&mut self, other: Summary) {
        self.operations += other.operations;
        self.runs += other.runs;
        self.once_steps += other.once_steps;
        self.repeated += other.repeated;
        self.leader_kills += other.leader_kills;
        self.partitions += other.partitions;
        self.power_cuts += other.power_cuts;
        for (nemesis, count) in other.faults {
            *self.faults.entry(nemesis).or_default() += count;
        }
        self.skipped.extend(other.skipped);
        self.rows.extend(other.rows);
        self.takeovers_ms.extend(other.takeovers_ms);
        self.takeovers_ms.sort_unstable();
        self.seconds += other.seconds;
    }

    /// The takeover that so many percent are not longer than.
    pub(crate) fn takeover_ms(&self, percent: usize) -> u64 {
        let at = (self.takeovers_ms.len() * percent).div_ceil(100).saturating_sub(1);
        self.takeovers_ms.get(at).copied().unwrap_or(0)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} operations, {} runs in {} s", self.operations, self.runs, self.seconds)?;
        writeln!(f, "{} effects that must not be repeated, {} repeated", self.once_steps, self.repeated)?;
        let faults: Vec<_> = self.faults.iter().map(|(name, count)| format!("{count} {name}")).collect();
        writeln!(f, "faults: {}", faults.join(", "))?;
        writeln!(
            f,
            "{} leader kills, {} partitions, {} power cuts",
            self.leader_kills, self.partitions, self.power_cuts
        )?;
        let (count, most) = (self.takeovers_ms.len(), self.takeover_ms(100));
        writeln!(
            f,
            "{count} takeovers: median {} ms, p99 {} ms, longest {most} ms",
            self.takeover_ms(50),
            self.takeover_ms(99)
        )?;
        let rows: Vec<_> = self.rows.iter().map(String::as_str).collect();
        write!(f, "rows of the matrix: {}", rows.join(" "))?;
        for skipped in &self.skipped {
            write!(f, "\nskipped {skipped}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let summary = Summary { takeovers_ms: (1..=100).collect(), ..Summary::default() };
        assert_eq!([50, 99, 100].map(|percent| summary.takeover_ms(percent)), [50, 99, 100]);
        assert_eq!(Summary::default().takeover_ms(50), 0);
    }
}
