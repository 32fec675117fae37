//! From a start to serving.

use std::time::Instant;

use rustix::process::Signal;

use crate::Bench;
use crate::figures::Times;
use crate::place::Place;
use crate::report::{Report, Row};
use crate::steps::{long_chain, one_run};

const TIMES: usize = 10;

/// A coordinator that was killed with a long log, until it has applied what the leader has.
///
/// # Errors
/// If it does not come back.
pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let mut place = Place::start(bench).await?;
    place.register(&long_chain("long", 1000)).await?;
    for _ in 0..5 {
        one_run(&place.client()?, "long").await?;
    }
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let leader = place.leader().await?;
        let follower = if leader == 1 { 2 } else { 1 };
        place.signal(follower, Signal::KILL)?;
        let begin = Instant::now();
        place.restart(follower).await?;
        place.whole().await?;
        times.push(begin.elapsed());
    }
    let times = Times::of(times);
    report.add(
        Row::new("a coordinator's restart → caught up, median", "ms", times.p50_ms())
            .note("5,000 steps in its log"),
    );
    Ok(())
}
