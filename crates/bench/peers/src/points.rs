//! What is asked of a peer, and what came of it.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::load;

/// The load, the same for every peer.
#[derive(Args)]
pub(crate) struct Load {
    /// Runs at once; one measurement for each number
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,64")]
    runs: Vec<usize>,
    /// The length of a chain
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) steps: usize,
    /// Seconds that each load runs
    #[arg(long, value_name = "S", default_value_t = 5)]
    seconds: u64,
    /// Where the data folders go
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    pub(crate) dir: PathBuf,
}

/// One peer's figures.
#[derive(Serialize)]
pub(crate) struct Measured {
    /// What was measured, with its version.
    pub(crate) version: String,
    pub(crate) points: Vec<Point>,
}

/// What so many runs at once came to.
#[derive(Serialize)]
pub(crate) struct Point {
    runs: usize,
    steps_per_second: f64,
    chain_p50_ms: f64,
}

/// Measures at each number of runs; `ask` carries out one chain. Each run does so once before it counts, so that
/// nobody's connections are opened on the clock.
///
/// # Errors
/// The first chain's that fails.
pub(crate) async fn measure<F>(
    load: &Load,
    ask: impl Fn(usize) -> F + Clone + Send + 'static,
) -> anyhow::Result<Vec<Point>>
where
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let mut points = Vec::new();
    for runs in load.runs.iter().copied() {
        load::repeat(runs, 1, ask.clone()).await?;
        let done = load::run(runs, Duration::from_secs(load.seconds), ask.clone()).await?;
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let steps_per_second = done.rate * load.steps as f64;
        points.push(Point { runs, steps_per_second, chain_p50_ms: done.times.p50_ms() });
    }
    Ok(points)
}
