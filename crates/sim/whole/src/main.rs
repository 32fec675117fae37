//! The whole of Baton under one seed: the real coordinators and agents, with openraft and gRPC, over a simulated network, on
//! simulated disks and machines, with time and randomness taken over. One seed is one process, and always the same story.
//!
//! `play` steps the network and the world around it in turn; `coordinator`, `agent` and `people` are who lives in it,
//! `wire`, `disk` and `links` what they live on. The world itself (machines, supervisors, the target, faults, people, and
//! every law) is that of `baton-sim`. `driver` has seeds played in processes of their own.

mod agent;
mod coordinator;
mod disk;
mod driver;
mod links;
mod people;
mod play;
mod story;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;

use baton_sim::Script;
use clap::Parser;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// The whole of Baton under simulated faults.
#[derive(Debug, Parser)]
struct Arguments {
    /// Seeds to play, `A..B`, each in a process of its own.
    #[arg(long, default_value = "0..20")]
    seeds: String,
    /// One seed, in this process.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// A script, as a failing seed was printed, in this process.
    #[arg(long, conflicts_with_all = ["seeds", "seed"])]
    script: Option<PathBuf>,
    /// Print what happened.
    #[arg(long)]
    trace: bool,
    /// Make a failing script short.
    #[arg(long)]
    shrink: bool,
    /// Play each seed twice, and compare the traces byte for byte.
    #[arg(long)]
    twice: bool,
    /// Seeds at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Rows of the matrix that have to be produced, or it is no pass: `M06,P04`.
    #[arg(long, value_delimiter = ',')]
    require: Vec<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    // Before anything can draw a number.
    let script = story::asked_for(std::env::args());
    let seed = script.as_ref().map_or(0, |script| script.world.seed);
    mad_turmoil::rand::set_rng(StdRng::seed_from_u64(seed));
    fastrand::seed(seed);
    let arguments = Arguments::parse();
    match script {
        Some(script) if arguments.shrink => driver::shrink(&script),
        Some(script) => play::here(&script, arguments.trace),
        None if arguments.twice => driver::compare(&arguments.seeds),
        None => driver::range(&arguments.seeds, &arguments.require, arguments.jobs),
    }
}

/// What a process that plays one script says at its end, in its last line.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Outcome {
    /// The law that was broken, if one was, and how.
    broken: Option<(String, String)>,
    marks: baton_sim::marks::Marks,
    totals: baton_sim::Totals,
}

impl Outcome {
    fn of(played: &baton_sim::Played) -> Outcome {
        let broken = played.violation.as_ref();
        Outcome {
            broken: broken.map(|one| (one.law.to_owned(), format!("at {} ms: {}", one.at_ms, one.what))),
            marks: played.marks.clone(),
            totals: played.totals.clone(),
        }
    }
}

fn said(script: &Script) {
    println!("{script}");
}
