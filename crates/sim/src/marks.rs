//! Which rows of the matrix (semantics, section 3) a schedule really produced.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A row of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of the matrix")]
pub enum Mark {
    M01,
    M02,
    M03,
    M04,
    M05,
    M06,
    M07,
    A01,
    A02,
    A03,
    A04,
    A05,
    A06,
    A07,
    A08,
    A09,
    P01,
    P02,
    P03,
    P04,
    Z01,
    Z02,
    Z03,
    Z04,
    Z05,
    G01,
    G02,
    G03,
    U01,
    T01,
}

impl Mark {
    /// Every row that a simulation of the core can produce. (A10, a pid that somebody else has now, needs real
    /// processes: `agent/src/sweep.rs` has it.)
    pub const ALL: [Mark; 30] = {
        use Mark::*;
        [
            M01, M02, M03, M04, M05, M06, M07, A01, A02, A03, A04, A05, A06, A07, A08, A09, P01, P02, P03,
            P04, Z01, Z02, Z03, Z04, Z05, G01, G02, G03, U01, T01,
        ]
    };
}

/// How often each was produced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks(BTreeMap<Mark, u64>);

impl Marks {
    pub(crate) fn hit(&mut self, mark: Mark) {
        *self.0.entry(mark).or_default() += 1;
    }

    /// Adds what another schedule produced.
    pub fn add(&mut self, other: &Marks) {
        other.0.iter().for_each(|(mark, count)| *self.0.entry(*mark).or_default() += count);
    }

    /// Rows that were never produced.
    pub fn missing(&self) -> Vec<Mark> {
        Mark::ALL.into_iter().filter(|mark| !self.has(*mark)).collect()
    }

    /// Whether this row was produced.
    pub fn has(&self, mark: Mark) -> bool {
        self.0.contains_key(&mark)
    }
}

impl fmt::Display for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in Mark::ALL.chunks(6) {
            for mark in row {
                let name = format!("{mark:?}");
                write!(f, "{name} {:<8}", self.0.get(mark).copied().unwrap_or_default())?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
