//! What a range of seeds amounted to.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Sums over schedules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Totals {
    pub schedules: u64,
    pub commands: u64,
    pub simulated_ms: u64,
    pub leader_deaths: u64,
    pub offices: u64,
    /// Runs that a new leader took over.
    pub takeovers: u64,
    /// Executions of steps that are not idempotent.
    pub once_executed: u64,
    /// Effects of them beyond the first: after a person's word, or by a sabotage.
    pub once_repeated: u64,
    pub runs: u64,
    pub doubts: u64,
}

impl Totals {
    /// Adds what another schedule amounted to.
    pub fn add(&mut self, other: &Totals) {
        self.schedules += other.schedules;
        self.commands += other.commands;
        self.simulated_ms += other.simulated_ms;
        self.leader_deaths += other.leader_deaths;
        self.offices += other.offices;
        self.takeovers += other.takeovers;
        self.once_executed += other.once_executed;
        self.once_repeated += other.once_repeated;
        self.runs += other.runs;
        self.doubts += other.doubts;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} schedules, {} runs, {} commands, {:.1} simulated hours, {} leader deaths, {} offices, {} takeovers, \
             {} doubts; steps that are not idempotent: {} executed, {} repeated by a person's word",
            self.schedules,
            self.runs,
            self.commands,
            self.simulated_ms as f64 / 3_600_000.0,
            self.leader_deaths,
            self.offices,
            self.takeovers,
            self.doubts,
            self.once_executed,
            self.once_repeated,
        )
    }
}
