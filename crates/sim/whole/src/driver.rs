//! Has scripts played in processes of their own, and adds up what came of them.

use std::io::Write;
use std::process::{Command, ExitCode, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{Context, bail};
use baton_sim::marks::Marks;
use baton_sim::{Script, Totals, shorten};
use rustix::time::{ClockId, clock_gettime};

use crate::{Outcome, said};

/// Seconds on a clock of the system, which are not taken over.
pub(crate) fn seconds(clock: ClockId) -> f64 {
    let now = clock_gettime(clock);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

fn child(arguments: &[&str]) -> anyhow::Result<Output> {
    let program = std::env::current_exe()?;
    Command::new(program).args(arguments).output().context("a process for the seed cannot be started")
}

/// What a process says in its last line; one that ended without a word broke off.
fn outcome(output: &Output) -> Outcome {
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| {
        let error = String::from_utf8_lossy(&output.stderr);
        let end = error.lines().last().unwrap_or("it said nothing").to_owned();
        Outcome {
            broken: Some(("the process ended".into(), end)),
            marks: Marks::default(),
            totals: Totals::default(),
        }
    })
}

/// The processor's time that a seed took, seconds.
fn took_s(output: &Output) -> f64 {
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().last().and_then(|line| line.parse().ok()).unwrap_or_default()
}

fn seeds_of(text: &str) -> anyhow::Result<std::ops::Range<u64>> {
    let (from, to) = text.split_once("..").context("write seeds as `A..B`")?;
    Ok(from.parse()?..to.parse()?)
}

/// Plays all these seeds.
pub(crate) fn range(seeds: &str, required: &[String], jobs: usize) -> anyhow::Result<ExitCode> {
    let seeds = seeds_of(seeds)?;
    let next = AtomicU64::new(seeds.start);
    let sum = Mutex::new((Marks::default(), Totals::default(), Vec::new(), 0.0));
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let Ok(output) = child(&["--seed", &seed.to_string()]) else { return };
                    let (played, took_s) = (outcome(&output), took_s(&output));
                    let mut sum = sum.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    sum.0.add(&played.marks);
                    sum.1.add(&played.totals);
                    sum.3 += took_s;
                    if let Some((law, what)) = played.broken {
                        println!("seed {seed} BROKEN {law} {what}");
                        sum.2.push(seed);
                    }
                }
            });
        }
    });
    let (marks, totals, broken, took_s) = sum.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    println!("{marks}");
    println!("{}", serde_json::to_string(&totals)?);
    let simulated_s = totals.simulated_ms as f64 / 1000.0;
    println!(
        "{totals}; {simulated_s:.0} simulated seconds in {took_s:.0} s of processor time: {:.1} times real time a core",
        simulated_s / took_s
    );
    let made: Vec<String> = baton_sim::marks::Mark::ALL
        .into_iter()
        .filter(|mark| marks.has(*mark))
        .map(|mark| format!("{mark:?}"))
        .collect();
    let missing: Vec<&String> = required.iter().filter(|mark| !made.contains(mark)).collect();
    if !missing.is_empty() {
        println!("required and never produced: {missing:?}");
    }
    let passed = broken.is_empty() && missing.is_empty() && totals.schedules == seeds.end - seeds.start;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays each seed twice; what happened must be the same to the last byte.
pub(crate) fn compare(seeds: &str) -> anyhow::Result<ExitCode> {
    for seed in seeds_of(seeds)? {
        let number = seed.to_string();
        let play = || child(&["--seed", &number, "--trace"]);
        let (first, second) = (play()?.stdout, play()?.stdout);
        if first.len() < 1000 {
            bail!("seed {seed} has no trace: {}", String::from_utf8_lossy(&first));
        }
        if first != second {
            let (first, second) = (String::from_utf8_lossy(&first), String::from_utf8_lossy(&second));
            let differs = first.lines().zip(second.lines()).find(|(one, other)| one != other);
            println!("seed {seed} is not the same twice; the first line that differs: {differs:#?}");
            return Ok(ExitCode::FAILURE);
        }
        println!("seed {seed}: {} bytes, twice the same", first.len());
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a failing script short, and prints it.
pub(crate) fn shrink(script: &Script) -> anyhow::Result<ExitCode> {
    let Some((law, _)) = played_apart(script)?.broken else {
        said(script);
        println!("no law is broken");
        return Ok(ExitCode::SUCCESS);
    };
    let fails = |candidate: &Script| {
        let played = played_apart(candidate);
        played.is_ok_and(|played| played.broken.is_some_and(|(broken, _)| broken == law))
    };
    let short = shorten(script, fails);
    said(&short);
    if let Some((law, what)) = played_apart(&short)?.broken {
        println!("# BROKEN {law} {what}");
    }
    Ok(ExitCode::FAILURE)
}

fn played_apart(script: &Script) -> anyhow::Result<Outcome> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(script.to_string().as_bytes())?;
    let path = file.path().to_string_lossy().into_owned();
    Ok(outcome(&child(&["--script", &path])?))
}
