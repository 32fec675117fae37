//! Where the time of one step goes: the stages that it passes through, as the processes themselves tell them
//! (`BATON_LOG=stage=debug`), laid over one another for many steps of one chain.

mod said;

use std::collections::BTreeMap;

use anyhow::ensure;

use crate::Bench;
use crate::place::Place;
use crate::report::{Report, Row};
use crate::steps::{KINDS, Kind, STEPS, one_run, plan};
use said::{Stage, stages};

/// Runs of the chain, one after the other.
const RUNS: usize = 40;
/// The stage that a step's time begins with.
const FIRST: &str = "send";

/// Measures the stages of each kind of step.
///
/// # Errors
/// If something does not come up, or a run does not succeed.
pub(crate) async fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    for kind in KINDS.iter().filter(|kind| !kind.is_wide()) {
        let place = Place::start_logging(bench, "warn,stage=debug").await?;
        place.register(&plan("bench", STEPS, kind)).await?;
        let client = place.client()?;
        for _ in 0..RUNS {
            one_run(&client, "bench").await?;
        }
        let steps = cut(read(&place).await?);
        ensure!(steps.len() > RUNS, "the processes' logs tell of {} steps only", steps.len());
        add(kind, &steps, report);
    }
    Ok(())
}

/// Every stage that any of the processes has told of, by the time of its end.
async fn read(place: &Place) -> anyhow::Result<Vec<Stage>> {
    let leader = place.leader().await?;
    let mut all = Vec::new();
    for (id, log) in place.logs() {
        let who = match id {
            Some(id) if id == leader => "leader",
            Some(_) => "follower",
            None => "agent",
        };
        all.extend(stages(who, &std::fs::read_to_string(log)?));
    }
    all.sort_by(|a, b| a.end_us.total_cmp(&b.end_us));
    Ok(all)
}

/// The stages of each step, from one assignment to the next. What does not lie within one run is left out.
fn cut(stages: Vec<Stage>) -> Vec<Vec<Stage>> {
    let mut steps: Vec<Vec<Stage>> = Vec::new();
    for stage in stages {
        if stage.name == FIRST {
            steps.push(Vec::new());
        }
        if let Some(step) = steps.last_mut() {
            step.push(stage);
        }
    }
    // The last step of a run is followed by another run's start.
    let within = |(at, _): &(usize, Vec<Stage>)| at % STEPS != STEPS - 1;
    steps.into_iter().enumerate().filter(within).map(|(_, step)| step).collect()
}

/// One row for each stage that most of the steps pass through: how long it takes, and when it begins.
fn add(kind: &Kind, steps: &[Vec<Stage>], report: &mut Report) {
    let mut found: BTreeMap<(String, usize), Vec<(f64, f64)>> = BTreeMap::new();
    for step in steps {
        let (begin, mut seen) = (step[0].begin_us, BTreeMap::<_, usize>::new());
        for stage in step {
            let what = format!("{} of the {}", stage.name, stage.who);
            let nth = seen.entry(what.clone()).and_modify(|nth| *nth += 1).or_insert(1);
            found
                .entry((what, *nth))
                .or_default()
                .push((stage.begin_us - begin, stage.end_us - stage.begin_us));
        }
    }
    let mut rows: Vec<_> = found
        .into_iter()
        .filter(|(_, times)| times.len() * 2 > steps.len())
        .map(|(what, times)| (what, median(times.iter().map(|t| t.0)), median(times.iter().map(|t| t.1))))
        .collect();
    rows.sort_by(|a, b| a.1.total_cmp(&b.1));
    for ((what, nth), begin, took) in rows {
        let again = if nth == 1 { String::new() } else { format!(" ({nth})") };
        let row = Row::new(format!("trace, {}: {what}{again}", kind.name()), "µs", took);
        report.add(row.note(format!("begins at {begin:.0}")));
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
