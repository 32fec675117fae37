//! Thousands of agents that have nothing to do: what they cost the leader, and how soon they are all there again when it dies.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use baton_client::Client;
use rustix::process::Signal;

use crate::Bench;
use crate::bare::Bare;
use crate::crowd::Crowd;
use crate::figures::Times;
use crate::load;
use crate::machine::{processor_seconds, resident_bytes};
use crate::place::Place;
use crate::report::{Report, Row, Target};
use crate::steps::{long_chain, one_run};

/// How long all may take to come.
const PATIENCE: Duration = Duration::from_secs(60);
/// After they have come, until each renews at its own time.
const SETTLE: Duration = Duration::from_secs(6);
/// Shares of a core are measured over at least so long.
const LEAST: Duration = Duration::from_secs(10);
/// Steps of a run that is carried out among them, and how often.
const STEPS: usize = 10;
const RUNS: usize = 50;
const LOOKS: usize = 20;

/// Lets the agents come, idle, and lose their leader.
///
/// # Errors
/// If something does not come up, or agents stay away.
pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let mut place = Place::start(bench).await?;
    place.register(&long_chain("chain", STEPS)).await?;
    let client = place.client()?;
    let few = step_ms(&client).await?;
    let memory = |place: &Place, id| Ok::<_, anyhow::Error>(resident_bytes(place.pid(id)?));
    let (leader, size) = (place.leader().await?, bench.agents);
    let before = memory(&place, leader)?;
    let begin = Instant::now();
    let crowd = Crowd::gather(&place.servers(), size, bench.agents_a_connection)?;
    let came = crowd.all_live(0, begin, PATIENCE).await?;
    report.add(Row::new(format!("{size} agents come → all are live"), "ms", ms(came)).note(sharing(bench)));
    tokio::time::sleep(SETTLE).await;
    let each = memory(&place, leader)?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    report.add(Row::new("the leader's memory for each", "KiB", each as f64 / 1024.0 / size as f64));
    idle(bench, &place, &crowd, report).await?;
    let many = step_ms(&client).await?;
    let row = Row::new(format!("one step on the critical path, {size} agents idling"), "ms", many);
    report.add(row.beside(Some(("with three", few))));
    report.add(Row::new("cluster status then", "ms", status_ms(&client).await?));
    bereave(&mut place, &crowd, report).await
}

fn sharing(bench: &Bench) -> String {
    format!("{} of them on one connection", bench.agents_a_connection)
}

/// What the leader does while nobody wants anything.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
async fn idle(bench: &Bench, place: &Place, crowd: &Crowd, report: &mut Report) -> anyhow::Result<()> {
    let (client, span) = (place.client()?, bench.span.max(LEAST));
    let pid = place.pid(place.leader().await?)?;
    let first = last_log(&client).await?;
    let (begin, used, renewed) = (Instant::now(), processor_seconds(pid), crowd.renewals());
    tokio::time::sleep(span).await;
    let (took, used) = (begin.elapsed().as_secs_f64(), processor_seconds(pid) - used);
    let renewals = (crowd.renewals() - renewed) as f64;
    let written = last_log(&client).await?.saturating_sub(first) as f64;
    let what = format!("entries written to the log in {took:.0} s of idling");
    report.add(Row::new(what, "", written).target(Target::Within(0.0)));
    let share = Row::new(
        format!("the leader with {} idle agents, of one core", bench.agents),
        "%",
        used / took * 100.0,
    );
    report.add(share.target(Target::Within(10.0)).note(format!("{:.0} renewals a second", renewals / took)));
    let row = Row::new("the leader's processor time for one renewal", "µs", used / renewals * 1e6);
    report.add(row.beside(Some(("bare gRPC", bare(bench).await?))));
    Ok(())
}

/// The processor time of a server that does nothing but answer as many, for each, microseconds.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
async fn bare(bench: &Bench) -> anyhow::Result<f64> {
    let server = Bare::start(2500).await?;
    let crowd = Crowd::gather(&[server.address.to_string()], bench.agents, bench.agents_a_connection)?;
    crowd.all_live(0, Instant::now(), PATIENCE).await?;
    tokio::time::sleep(SETTLE).await;
    let (used, renewed) = (server.seconds(), crowd.renewals());
    tokio::time::sleep(bench.span.max(LEAST)).await;
    Ok((server.seconds() - used) / (crowd.renewals() - renewed) as f64 * 1e6)
}

/// The leader is killed: until all are live with the next one, and until a run has gone through.
async fn bereave(place: &mut Place, crowd: &Crowd, report: &mut Report) -> anyhow::Result<()> {
    let (leader, client) = (place.leader().await?, place.client()?.with_attempt(Duration::from_millis(300)));
    let term = client.cluster_status().await?.term;
    let used = place.coordinators().into_iter().map(|(id, pid)| (id, processor_seconds(pid)));
    let used: BTreeMap<_, _> = used.collect();
    let begin = Instant::now();
    place.signal(leader, Signal::KILL)?;
    let run = async {
        one_run(&client, "chain").await.context("after the leader's death")?;
        anyhow::Ok(begin.elapsed())
    };
    let (back, run) = tokio::join!(crowd.all_live(term + 1, begin, PATIENCE), run);
    report.add(Row::new("kill -9 of the leader → all are live with the next", "ms", ms(back?)));
    report.add(Row::new("kill -9 of the leader → a whole run of ten steps among them", "ms", ms(run?)));
    let next = place.leader().await?;
    let used = processor_seconds(place.pid(next)?) - used.get(&next).copied().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let each = used * 1e6 / crowd.size() as f64;
    report.add(Row::new("the next leader's processor time for each that comes", "µs", each));
    place.restart(leader).await
}

/// What a step adds to a run.
async fn step_ms(client: &Client) -> anyhow::Result<f64> {
    let client = client.clone();
    let measured = load::repeat(1, RUNS, move |_| {
        let client = client.clone();
        async move { one_run(&client, "chain").await }
    });
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    Ok(measured.await?.times.p50_ms() / STEPS as f64)
}

async fn status_ms(client: &Client) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..LOOKS {
        let begin = Instant::now();
        client.cluster_status().await?;
        times.push(begin.elapsed());
    }
    Ok(Times::of(times).p50_ms())
}

async fn last_log(client: &Client) -> anyhow::Result<u64> {
    let status = client.cluster_status().await?;
    Ok(status.members.iter().filter_map(|member| member.last_log).max().unwrap_or(0))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
