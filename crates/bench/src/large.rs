//! One run of ten thousand steps, as a chain and all side by side, beside runs of ten steps in the same cluster: what a step
//! costs must not grow with its run.

use std::time::{Duration, Instant};

use baton_client::Client;

use crate::load;
use crate::place::Place;
use crate::report::{Report, Row};
use crate::steps::{long_chain, one_run, wide};

/// Steps of the large runs.
const LARGE: usize = 10_000;
/// Steps of the others.
const SHORT: usize = 10;
/// So many of which are under way at once beside the wide one.
const AT_ONCE: usize = 64;

/// Measures both kinds.
///
/// # Errors
/// If a run does not succeed.
pub(crate) async fn measure(place: &Place, span: Duration, report: &mut Report) -> anyhow::Result<()> {
    for plan in [
        long_chain("ten-in-a-chain", SHORT),
        wide("ten-side-by-side", SHORT),
        long_chain("large-chain", LARGE),
        wide("large-side-by-side", LARGE),
    ] {
        place.register(&plan).await?;
    }
    let client = place.client()?;
    let shapes = [
        ("in a chain", "ten-in-a-chain", "large-chain", 1),
        ("side by side", "ten-side-by-side", "large-side-by-side", AT_ONCE),
    ];
    for (shape, short, large, at_once) in shapes {
        let short = of_ten(&client, short, at_once, span).await?;
        let begin = Instant::now();
        one_run(&client, large).await?;
        let rate = LARGE as f64 / begin.elapsed().as_secs_f64();
        let row = Row::new(format!("steps, one run of {LARGE} {shape}"), "1/s", rate);
        report.add(row.beside(Some(("runs of ten", short))));
    }
    Ok(())
}

/// Steps in a second of runs of ten.
#[expect(clippy::cast_precision_loss, reason = "a small number")]
async fn of_ten(client: &Client, plan: &'static str, at_once: usize, span: Duration) -> anyhow::Result<f64> {
    let client = client.clone();
    let measured = load::run(at_once, span, move |_| {
        let client = client.clone();
        async move { one_run(&client, plan).await }
    });
    Ok(measured.await?.rate * SHORT as f64)
}
