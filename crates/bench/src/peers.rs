//! Others that carry out durable steps, doing the same: chains that do nothing. A program of its own measures them
//! (`crates/bench/peers`), so that what they are made of is no part of this workspace.

use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::Bench;
use crate::bound::die_with_us;
use crate::report::{Row, Target};
use crate::steps::STEPS;

/// What each is called, and how it is asked for.
const KNOWN: [(&str, &[&str]); 3] =
    [("restate", &["restate"]), ("restate ×3", &["restate", "--nodes=3"]), ("dbos", &["dbos"])];
const BEST: &str = "best peer";

/// Those that are installed.
pub(crate) struct Peers(Vec<(&'static str, Measured)>);

/// What `baton-peers` prints.
#[derive(Deserialize)]
struct Measured {
    version: String,
    points: Vec<Point>,
}

#[derive(Deserialize)]
struct Point {
    runs: usize,
    steps_per_second: f64,
    chain_p50_ms: f64,
}

impl Peers {
    /// Measures each with these numbers of runs at once.
    ///
    /// # Errors
    /// If one is installed and does not come up.
    pub(crate) fn measure(bench: &Bench, runs: &[usize]) -> anyhow::Result<Peers> {
        if !bench.peers.exists() {
            eprintln!("the peers are not installed: their figures are left out (crates/bench/peers/install)");
            return Ok(Peers(Vec::new()));
        }
        let mut peers = Vec::new();
        for (name, asked) in KNOWN {
            let measured = ask(bench, asked, runs).with_context(|| format!("{name} was not measured"))?;
            peers.extend(measured.map(|measured| (name, measured)));
        }
        Ok(Peers(peers))
    }

    /// Steps a second of so many runs at once beside theirs, with a share of the best to be reached; nothing where
    /// nobody was measured.
    pub(crate) fn rates(&self, what: &str, baton: f64, runs: usize, share: f64) -> Option<Row> {
        let rates: Vec<_> = self.points(runs).map(|(name, point)| (name, point.steps_per_second)).collect();
        let best = rates.iter().map(|(_, rate)| *rate).reduce(f64::max)?;
        let row = Row::new(format!("{what}, beside others"), "1/s", baton).beside(Some((BEST, best)));
        let row = rates.into_iter().fold(row, |row, rate| row.beside(Some(rate)));
        Some(row.target(Target::AtLeast(share, BEST)).note(self.versions()))
    }

    /// One step's share of a chain that has everything to itself beside theirs; nothing where nobody was measured.
    pub(crate) fn times(&self, what: &str, baton_ms: f64) -> Option<Row> {
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let times = self.points(1).map(|(name, point)| (name, point.chain_p50_ms / STEPS as f64));
        let row = Row::new(format!("{what}, beside others"), "ms", baton_ms).note(self.versions());
        (!self.0.is_empty()).then(|| times.fold(row, |row, time| row.beside(Some(time))))
    }

    fn points(&self, runs: usize) -> impl Iterator<Item = (&'static str, &Point)> {
        let of = self
            .0
            .iter()
            .flat_map(|(name, measured)| measured.points.iter().map(move |point| (*name, point)));
        of.filter(move |(_, point)| point.runs == runs)
    }

    fn versions(&self) -> String {
        let mut versions: Vec<_> = self.0.iter().map(|(_, measured)| measured.version.as_str()).collect();
        versions.dedup();
        versions.join(", ")
    }
}

/// Has one measured; nothing if it is not installed, which the program says.
fn ask(bench: &Bench, asked: &[&str], runs: &[usize]) -> anyhow::Result<Option<Measured>> {
    let runs: Vec<_> = runs.iter().map(ToString::to_string).collect();
    let mut command = Command::new(&bench.peers);
    command.args(asked).args(["--runs", &runs.join(","), "--steps", &STEPS.to_string()]);
    command.args(["--seconds", &bench.span.as_secs().to_string(), "--dir"]).arg(&bench.dir);
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    // What it has started is bound to it in turn.
    die_with_us(&mut command);
    let told = command.output()?;
    if !told.status.success() {
        bail!("it ended with {}", told.status);
    }
    Ok(serde_json::from_slice(&told.stdout)?)
}
