//! What runs leave behind: memory and disk.

use crate::Bench;
use crate::load;
use crate::machine::{disk_bytes, processor_seconds, resident_bytes};
use crate::place::Place;
use crate::report::{Report, Row};
use crate::steps::{long_chain, one_run};

/// Runs that have ended when the memory is read.
const RUNS: usize = 2000;
/// Steps of each.
const STEPS: usize = 10;

/// Memory and disk of coordinators before and after many runs, and what a cluster does when nobody asks.
///
/// # Errors
/// If something does not come up, or a run does not succeed.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let place = Place::start(bench).await?;
    let memory = || place.coordinators().iter().map(|(_, pid)| resident_bytes(*pid)).max().unwrap_or(0);
    let before = memory();
    place.register(&long_chain("short", STEPS)).await?;
    let client = place.client()?;
    let mut done = 0;
    while done < RUNS {
        let client = client.clone();
        let measured = load::run(64, bench.span.min(std::time::Duration::from_secs(3)), move |_| {
            let client = client.clone();
            async move { one_run(&client, "short").await }
        });
        done += measured.await?.times.count();
    }
    let after = memory();
    let grown = after.saturating_sub(before) as f64 / done as f64;
    report.add(Row::new("a coordinator's memory at the start", "MiB", before as f64 / 1048576.0));
    report.add(Row::new(
        format!("its memory after {done} runs of {STEPS} steps"),
        "MiB",
        after as f64 / 1048576.0,
    ));
    report.add(Row::new("memory for each run that has ended", "KiB", grown / 1024.0));
    let disk = disk_bytes(&place.dir().join("servers")) as f64 / 3.0;
    report.add(Row::new("a coordinator's disk then", "MiB", disk / 1048576.0));
    let used = || place.coordinators().iter().map(|(_, pid)| processor_seconds(*pid)).sum::<f64>();
    let (begin, before) = (std::time::Instant::now(), used());
    tokio::time::sleep(bench.span).await;
    let share = (used() - before) / begin.elapsed().as_secs_f64() * 100.0;
    report.add(Row::new("three idle coordinators, of one core", "%", share));
    Ok(())
}
