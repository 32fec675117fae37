//! Others that carry out durable steps, doing the same: chains that do nothing. A program of its own measures them
//! (`crates/bench/peers`), so that what they are made of is no part of this workspace.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::thread::available_parallelism;

use anyhow::bail;
use serde::Deserialize;

use crate::Bench;
use crate::bound::die_with_us;
use crate::report::{Row, Target};
use crate::steps::{Kind, STEPS};

const BEST: &str = "best peer";
/// Restate's default of 24 partitions is too many for few cores. Everybody else has their defaults, so this one stands
/// in the row for whoever reads it, and not for the best.
const TUNED: &str = "restate (a partition per core)";

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

impl Measured {
    fn at(&self, runs: usize) -> Option<&Point> {
        self.points.iter().find(|point| point.runs == runs)
    }
}

impl Peers {
    /// Measures each with these numbers of runs at once. One that does not come up is left out as well: what else is
    /// measured must not depend on it.
    pub(crate) fn measure(bench: &Bench, runs: &[usize]) -> Peers {
        let mut peers = Vec::new();
        if !bench.peers.exists() {
            eprintln!("the peers are not installed: their figures are left out (crates/bench/peers/install)");
            return Peers(peers);
        }
        let partitions = format!("--partitions={}", available_parallelism().map_or(1, usize::from));
        let known: [(_, &[&str]); 4] = [
            ("restate", &["restate"]),
            (TUNED, &["restate", &partitions]),
            ("restate ×3", &["restate", "--nodes=3"]),
            ("dbos", &["dbos"]),
        ];
        for (name, asked) in known {
            match ask(bench, asked, runs) {
                Ok(measured) => peers.extend(measured.map(|measured| (name, measured))),
                Err(error) => eprintln!("{name} was not measured: {error:#}"),
            }
        }
        Peers(peers)
    }

    /// Steps a second of so many runs at once, with theirs beside them; nothing where nobody was measured. What Baton
    /// promises of a step that is not idempotent, none of them does: there it need not be faster.
    pub(crate) fn rates(&self, kind: &Kind, runs: usize, baton: f64) -> Option<Row> {
        let rates: Vec<_> = self.points(runs).map(|(name, point)| (name, point.steps_per_second)).collect();
        let with_defaults = rates.iter().filter(|(name, _)| *name != TUNED);
        let best = with_defaults.map(|(_, rate)| *rate).reduce(f64::max)?;
        let row = Row::new(format!("{}, beside others", kind.at_once(runs)), "1/s", baton);
        let row = rates.into_iter().fold(row.beside(Some((BEST, best))), |row, rate| row.beside(Some(rate)));
        let share = if kind.is_idempotent() { 2.0 } else { 1.0 };
        let versions: BTreeSet<_> = self.0.iter().map(|(_, measured)| measured.version.as_str()).collect();
        Some(row.target(Target::AtLeast(share, BEST)).note(Vec::from_iter(versions).join(", ")))
    }

    /// One step's share of the time of a chain that has each to itself, in milliseconds.
    pub(crate) fn times(&self) -> impl Iterator<Item = (&'static str, f64)> {
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        self.points(1).map(|(name, point)| (name, point.chain_p50_ms / STEPS as f64))
    }

    fn points(&self, runs: usize) -> impl Iterator<Item = (&'static str, &Point)> {
        self.0.iter().filter_map(move |(name, measured)| Some((*name, measured.at(runs)?)))
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
