//! What a long past and many runs at once cost: lists and takeovers with them, memory, disk, and the rate of steps while the
//! past grows.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use baton_client::{Client, Filter, Start};
use rustix::process::Signal;

use crate::Bench;
use crate::figures::Times;
use crate::join::{self, Meanwhile};
use crate::machine::{disk_bytes, resident_bytes};
use crate::place::{Place, origin};
use crate::report::{Across, Curve, Report, Row, Target};
use crate::steps::{header, long_chain, one_run};
use crate::{large, load};

/// Steps of a run that ends.
const SHORT: usize = 10;
/// Runs that are under way at the end, and steps of each.
const RUNNING: usize = 1000;
const LONG: usize = 50;
/// Runs at once while the past grows, and in how many parts it does.
const AT_ONCE: usize = 64;
const PARTS: usize = 10;
/// How often a list is asked for: so often that what the load before has left to do is a small part of it.
const LISTS: usize = 1000;

/// Measures all of it, with as many ended runs as was asked for.
///
/// # Errors
/// If something does not come up, or a run does not succeed.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let mut place = Place::start(bench).await?;
    place.register(&long_chain("short", SHORT)).await?;
    place.register(&waiting_plan()).await?;
    let client = place.client()?;
    for _ in 0..10 {
        one_run(&client, "short").await?;
    }
    let few = looks(&client, "short-1").await?;
    large::measure(&place, bench.span, report).await?;
    let rates = grow(&place, bench.ended).await?;
    for (past, rate) in &rates {
        report.add(Row::new(format!("steps with {past:.0} steps done before"), "1/s", *rate));
    }
    let (first, last) = (rates.first().map_or(0.0, |one| one.1), rates.last().map_or(0.0, |one| one.1));
    let flat = Row::new("the last of these", "1/s", last).beside(Some(("first", first)));
    report.add(flat.target(Target::AtLeast(0.9, "first")));
    report.curve(Curve {
        name: "steps by steps done before".into(),
        unit: "1/s",
        across: Across::Before,
        points: rates,
    });
    start_waiting(&client).await?;
    let many = looks(&client, "short-1").await?;
    for (what, few, many) in [("run list", few.0, many.0), ("run show", few.1, many.1)] {
        let row = Row::new(format!("{what}, {} ended and {RUNNING} running", bench.ended), "ms", many);
        report.add(row.beside(Some(("with ten", few))));
    }
    let memory = place.coordinators().iter().map(|(_, pid)| resident_bytes(*pid)).max().unwrap_or(0);
    let what = format!("a coordinator's memory, {} ended and {RUNNING} running", bench.ended);
    report.add(Row::new(what, "MiB", memory as f64 / 1_048_576.0).target(Target::Within(150.0)));
    let disk = disk_bytes(&place.dir().join("servers")) as f64 / 3.0;
    report.add(Row::new("a coordinator's disk then", "MiB", disk / 1_048_576.0));
    restarts(&mut place, report).await?;
    let meanwhile = Meanwhile { plan: "short", steps: SHORT, at_once: AT_ONCE };
    join::measure(&mut place, &meanwhile, bench.span, report).await
}

/// A chain of which half is done when it stops to ask a person.
fn waiting_plan() -> String {
    let mut text = header("waiting");
    for step in 0..LONG {
        let needs = if step == 0 { String::new() } else { format!(", needs: [s{}]", step - 1) };
        let action = if step == LONG / 2 {
            "approval: {message: Go on?}"
        } else {
            "region: east, idempotent: true, noop: {}"
        };
        text.push_str(&format!("    - {{name: s{step}, {action}{needs}}}\n"));
    }
    text
}

/// Lets that many runs end; the rate of each part, by the steps that were done before.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
async fn grow(place: &Place, ended: usize) -> anyhow::Result<Vec<(f64, f64)>> {
    let mut rates = Vec::new();
    let mut done = 0;
    while done < ended {
        let (client, begin) = (place.client()?, Instant::now());
        let part = (ended / PARTS).max(1);
        let each = part.div_ceil(AT_ONCE);
        let measured = load::repeat(AT_ONCE, each, move |_| {
            let client = client.clone();
            async move { one_run(&client, "short").await }
        });
        let count = measured.await?.times.count();
        rates.push(((done * SHORT) as f64, (count * SHORT) as f64 / begin.elapsed().as_secs_f64()));
        done += count;
    }
    Ok(rates)
}

/// Starts the runs that will wait, and returns when all do.
async fn start_waiting(client: &Client) -> anyhow::Result<()> {
    let starter = client.clone();
    let each = RUNNING.div_ceil(AT_ONCE);
    load::repeat(AT_ONCE, each, move |_| {
        let client = starter.clone();
        async move {
            let start = Start { plan: "waiting".into(), mode: "graceful".into(), ..Start::default() };
            let run = client.start_run(&start, &origin()).await?.run;
            let mut watch = client.watch(&run);
            while let Some(news) = watch.next().await? {
                if let baton_client::News::Changed(view) = news
                    && view.needs_operator
                {
                    return Ok(());
                }
            }
            anyhow::bail!("{run} ended where it should wait")
        }
    })
    .await?;
    Ok(())
}

/// How long a list of runs takes, and a look at one: medians, milliseconds.
async fn looks(client: &Client, run: &str) -> anyhow::Result<(f64, f64)> {
    let (mut lists, mut shows) = (Vec::new(), Vec::new());
    for _ in 0..LISTS {
        let begin = Instant::now();
        client.list_runs(&Filter { limit: 20, ..Filter::default() }, false).await?;
        lists.push(begin.elapsed());
        let begin = Instant::now();
        client.get_run(run, false).await?;
        shows.push(begin.elapsed());
    }
    Ok((Times::of(lists).p50_ms(), Times::of(shows).p50_ms()))
}

/// The leader is killed: until a run goes through again, and until it is back and has caught up.
async fn restarts(place: &mut Place, report: &mut Report) -> anyhow::Result<()> {
    let leader = place.leader().await?;
    let client = place.client()?.with_attempt(Duration::from_millis(300));
    place.signal(leader, Signal::KILL)?;
    let begin = Instant::now();
    one_run(&client, "short").await.context("after the leader's death")?;
    let took = begin.elapsed().as_secs_f64() * 1000.0;
    report.add(Row::new("kill -9 of the leader → a whole run of ten steps, then", "ms", took));
    let begin = Instant::now();
    place.restart(leader).await?;
    place.whole().await?;
    let took = begin.elapsed().as_secs_f64() * 1000.0;
    report.add(Row::new("its restart → caught up", "ms", took));
    Ok(())
}
