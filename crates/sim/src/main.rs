//! `baton-sim`: plays ranges of seeds, one seed with its trace, or a script, and makes failing ones short.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use baton_sim::{Sabotage, Script, generate, play, play_range, shrink};
use clap::Parser;

/// The core of Baton under simulated faults.
#[derive(Debug, Parser)]
struct Arguments {
    /// Seeds to play, `A..B`.
    #[arg(long, default_value = "0..1000")]
    seeds: String,
    /// One seed.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// A script, as a failing seed was printed.
    #[arg(long, conflicts_with_all = ["seeds", "seed"])]
    script: Option<PathBuf>,
    /// Print what happened.
    #[arg(long)]
    trace: bool,
    /// Make a failing script short.
    #[arg(long)]
    shrink: bool,
    /// Break a part of the simulated shell, by its name.
    #[arg(long)]
    sabotage: Option<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    // A broken law of the engine panics in debug builds; it is reported like every other.
    std::panic::set_hook(Box::new(|_| ()));
    let sabotage = arguments.sabotage.as_deref().map(named).transpose()?;
    let script = match (&arguments.script, arguments.seed) {
        (Some(path), _) => Some(std::fs::read_to_string(path)?.parse()?),
        (None, seed) => seed.map(generate),
    };
    match script {
        Some(script) => play_one(&script, sabotage, &arguments),
        None => play_many(&arguments.seeds, sabotage, arguments.shrink),
    }
}

fn named(name: &str) -> anyhow::Result<Sabotage> {
    let mut all = Sabotage::ALL.into_iter();
    let found = all.find(|one| format!("{one:?}").eq_ignore_ascii_case(name));
    found.with_context(|| format!("there is no sabotage `{name}`; there are {:?}", Sabotage::ALL))
}

fn play_one(script: &Script, sabotage: Option<Sabotage>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let script = if arguments.shrink { shrink(script, sabotage) } else { script.clone() };
    let played = play(&script, sabotage, arguments.trace);
    println!("{script}");
    played.trace.iter().for_each(|line| println!("{line}"));
    println!("{}", played.totals);
    match played.violation {
        None => Ok(ExitCode::SUCCESS),
        Some(violation) => {
            println!("BROKEN {} at {} ms: {}", violation.law, violation.at_ms, violation.what);
            Ok(ExitCode::FAILURE)
        }
    }
}

fn play_many(seeds: &str, sabotage: Option<Sabotage>, make_short: bool) -> anyhow::Result<ExitCode> {
    let (from, to) = seeds.split_once("..").context("write seeds as `A..B`")?;
    let summary = play_range(from.parse()?..to.parse()?, sabotage, 20);
    for (seed, violation) in &summary.broken {
        println!("seed {seed} BROKEN {}: {}", violation.law, violation.what);
    }
    if let Some((seed, _)) = summary.broken.first().filter(|_| make_short) {
        println!("# seed {seed}\n{}", shrink(&generate(*seed), sabotage));
    }
    println!("{}", summary.marks);
    println!("never produced: {:?}", summary.marks.missing());
    println!("{}", serde_json::to_string(&summary.totals)?);
    println!("{}", summary.totals);
    Ok(if summary.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
