//! From the leader's end to the next step granted, told by the run's own timeline; etcd beside it by its first put.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, bail};
use baton_client::{Client, Start};
use rustix::process::Signal;
use tokio::time::{sleep, timeout};

use crate::Bench;
use crate::etcd::{Etcd, Put};
use crate::figures::Times;
use crate::place::{Place, origin};
use crate::report::{Report, Row, Target};
use crate::steps::long_chain;

const LOOK: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough to be under way for as long as a takeover takes.
const CHAIN: usize = 3000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Kill,
    /// Its process stops and its lines stay open, as when a machine or the way to a region is lost.
    Silence,
    Shutdown,
    Transfer,
}

/// Measures each way in which a leader ends.
///
/// # Errors
/// If nobody takes over.
pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for (way, what) in [
        (Way::Kill, "kill -9 of the leader → next step"),
        (Way::Silence, "the leader falls silent → next step"),
    ] {
        let theirs = etcd(bench, way).await?;
        let ours = takeovers(bench, way, bench.kills).await?;
        add(report, what, &ours, theirs.as_ref());
    }
    for (way, what) in
        [(Way::Shutdown, "clean shutdown → next step"), (Way::Transfer, "transfer-leader → next step")]
    {
        let times = takeovers(bench, way, bench.kills.div_ceil(2)).await?;
        let row = Row::new(format!("{what}, median"), "ms", times.p50_ms());
        report.add(row.target(Target::Within(50.0)).note(spread(&times)));
    }
    Ok(())
}

fn add(report: &mut Report, what: &str, times: &Times, theirs: Option<&Times>) {
    let beside = |share| theirs.map(|theirs| ("etcd", theirs.ms_at(share)));
    let median = Row::new(format!("{what}, median"), "ms", times.p50_ms()).beside(beside(0.5));
    report.add(median.target(Target::AtMost(0.5, "etcd")).note(spread(times)));
    let tail = Row::new(format!("{what}, p99"), "ms", times.p99_ms()).beside(beside(0.99));
    report.add(tail.target(Target::Within(2000.0)));
}

fn spread(times: &Times) -> String {
    format!("{} times, {:.0} to {:.0} ms", times.count(), times.ms_at(0.0), times.ms_at(1.0))
}

async fn takeovers(bench: &Bench, way: Way, count: usize) -> anyhow::Result<Times> {
    let mut place = Place::start(bench).await?;
    place.register(&long_chain("long", CHAIN)).await?;
    let mut times = Vec::new();
    while times.len() < count {
        place.whole().await?;
        let (client, leader) = (place.client()?, place.leader().await?);
        let start = Start { plan: "long".into(), mode: "graceful".into(), ..Start::default() };
        let run = client.start_run(&start, &origin()).await?.run;
        let (before, _) = granted_after(&client, &run, 0, 0).await?;
        let at_ms = now_ms()?;
        match way {
            Way::Kill => place.signal(leader, Signal::KILL)?,
            Way::Silence => place.signal(leader, Signal::STOP)?,
            Way::Shutdown => place.signal(leader, Signal::TERM)?,
            Way::Transfer => drop(client.transfer_leader(leader, None).await?),
        }
        let (_, next_ms) = granted_after(&client, &run, before, at_ms).await?;
        times.push(Duration::from_millis(u64::try_from(next_ms - at_ms)?));
        match way {
            Way::Kill | Way::Shutdown => place.restart(leader).await?,
            Way::Silence => place.signal(leader, Signal::CONT)?,
            Way::Transfer => {}
        }
        client.decide(&baton_client::Decision::Cancel { undo: false }, &run, "measured", &origin()).await?;
    }
    Ok(Times::of(times))
}

/// The sequence number and the time of the first grant behind that number by a leader that took office after this
/// time; with no time, of the first grant of all.
///
/// # Errors
/// If there is none for a while.
pub(crate) async fn granted_after(
    client: &Client,
    run: &str,
    after: u64,
    at_ms: i64,
) -> anyhow::Result<(u64, i64)> {
    let (since, mut seen, mut taken_over) = (Instant::now(), after, at_ms == 0);
    while since.elapsed() < PATIENCE {
        let page = client.get_events(run, seen, 500, false).await?;
        for event in &page.events {
            seen = event.sequence;
            let event_ms = event.at.context("an event has no time")?.as_ms();
            taken_over |= event.kind == "run_taken_over" && event_ms >= at_ms;
            if taken_over && event.kind == "step_granted" && event_ms >= at_ms {
                return Ok((event.sequence, event_ms));
            }
        }
        if !page.more {
            sleep(LOOK).await;
        }
    }
    bail!("no step of {run} was granted within {} s", PATIENCE.as_secs())
}

/// The wall's time, by which timelines are read.
///
/// # Errors
/// If it is before 1970.
pub(crate) fn now_ms() -> anyhow::Result<i64> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(i64::try_from(since.as_millis())?)
}

/// From the end of etcd's leader to the first put that somebody takes.
async fn etcd(bench: &Bench, way: Way) -> anyhow::Result<Option<Times>> {
    let Some(mut etcd) = Etcd::start(&bench.dir).await? else { return Ok(None) };
    let mut times = Vec::new();
    for _ in 0..bench.kills {
        let leader = etcd.leader().await?;
        let others = etcd.addresses(leader)[1..].to_vec();
        etcd.signal(leader, if way == Way::Silence { Signal::STOP } else { Signal::KILL })?;
        let killed = Instant::now();
        let puts: Vec<_> = others.iter().map(|address| Put::to(address)).collect::<Result<_, _>>()?;
        'asking: loop {
            for put in &puts {
                let asked = timeout(Duration::from_millis(100), put.put("takeover", b"1")).await;
                if matches!(asked, Ok(Ok(()))) {
                    break 'asking;
                }
            }
            if killed.elapsed() > PATIENCE {
                bail!("etcd elected nobody");
            }
        }
        times.push(killed.elapsed());
        match way {
            Way::Silence => etcd.signal(leader, Signal::CONT)?,
            _ => etcd.restart(leader)?,
        }
        // It is back when it answers, which is when all can be killed again.
        let back = Put::to(&etcd.addresses(leader)[0])?;
        while !matches!(timeout(Duration::from_millis(300), back.put("back", b"1")).await, Ok(Ok(()))) {
            sleep(LOOK).await;
        }
    }
    Ok(Some(Times::of(times)))
}
