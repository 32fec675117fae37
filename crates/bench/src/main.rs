//! How fast Baton is, beside what a user would pick instead, measured in one run on one machine: the ratios travel, the
//! absolute figures do not. Real processes with durable logs, all on loopback; what is started is stopped by its id.
//!
//! Every section measures its yardstick in between: the disk's raw rate, etcd and other engines where they are
//! installed, the same processes without Baton. Nothing here is a test: a slow machine fails nothing.

mod agents;
mod bare;
#[path = "../../cli/src/local/bound.rs"]
mod bound;
mod commands;
mod crowd;
mod delay;
mod disk;
mod etcd;
mod far;
mod figures;
mod idle;
mod join;
mod large;
mod load;
mod machine;
mod peers;
mod place;
mod plot;
mod processes;
mod report;
mod restart;
mod scale;
mod steps;
mod takeover;
mod trace;
mod wan;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use report::Report;

/// Measures Baton and its peers side by side and prints one table.
#[derive(Parser)]
#[command(version, about, long_about = None)]
struct Arguments {
    /// Only these parts
    #[arg(long, value_name = "PART,…", value_delimiter = ',')]
    only: Vec<Part>,
    /// The binary to measure; built with --release
    #[arg(long, value_name = "FILE", default_value = "target/release/baton")]
    binary: PathBuf,
    /// The program that measures others; crates/bench/peers/install builds it
    #[arg(long, value_name = "FILE", default_value = "target/release/baton-peers")]
    peers: PathBuf,
    /// Seconds that each load runs
    #[arg(long, value_name = "S", default_value_t = 5)]
    seconds: u64,
    /// Leaders to kill
    #[arg(long, value_name = "N", default_value_t = 50)]
    kills: usize,
    /// Runs that have ended when the part `scale` looks
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    runs: usize,
    /// Agents of the part `agents`
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = at_least_one)]
    agents: usize,
    /// How many of these share one connection; agents of your own have one each
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = at_least_one)]
    agents_a_connection: usize,
    /// The coordinators' `--profile` in the part `wan`; the one that is meant for the distance without it
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The coordinators' `--config` in the part `wan`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the data folders go; their disk is the one that is measured
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    dir: PathBuf,
    /// Where the table (bench.json, bench.svg) is written
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,
    /// Not to measure, but to be one of the supervisors of the bare loop
    #[arg(long, hide = true)]
    supervise: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Committed commands, beside etcd's puts
    Commands,
    /// Whole steps, from grant to committed outcome
    Steps,
    /// Of these, only the ones that start a process
    Processes,
    /// Where the time of one step goes
    Trace,
    /// From the leader's death to the next step
    Takeover,
    /// From a start to serving
    Restart,
    /// Memory and disk
    Idle,
    /// A long past and many runs under way
    Scale,
    /// Thousands of idle agents
    Agents,
    /// Regions that are far apart
    Wan,
}

/// What every part needs to know.
struct Bench {
    binary: PathBuf,
    peers: PathBuf,
    dir: PathBuf,
    span: Duration,
    kills: usize,
    ended: usize,
    agents: usize,
    agents_a_connection: usize,
    profile: Option<String>,
    config: Option<PathBuf>,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "a number above 0 is expected".into())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.supervise {
        return processes::supervise();
    }
    std::fs::create_dir_all(&arguments.dir)?;
    std::fs::create_dir_all(&arguments.out)?;
    let bench = Bench {
        binary: arguments.binary.canonicalize()?,
        peers: arguments.peers,
        dir: arguments.dir.canonicalize()?,
        span: Duration::from_secs(arguments.seconds),
        kills: arguments.kills,
        ended: arguments.runs,
        agents: arguments.agents,
        agents_a_connection: arguments.agents_a_connection,
        profile: arguments.profile,
        config: arguments.config.map(|file| file.canonicalize()).transpose()?,
    };
    let wanted = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    let mut report = Report::new(machine::describe(&bench.dir)?);
    if wanted(Part::Commands) {
        commands::measure(&bench, &mut report).await?;
    }
    if wanted(Part::Steps) {
        steps::measure(&bench, &steps::KINDS, &mut report).await?;
    } else if wanted(Part::Processes) {
        let processes: Vec<_> = steps::KINDS.into_iter().filter(steps::Kind::starts_processes).collect();
        steps::measure(&bench, &processes, &mut report).await?;
    }
    if wanted(Part::Trace) {
        trace::measure(&bench, &mut report).await?;
    }
    if wanted(Part::Takeover) {
        takeover::measure(&bench, &mut report).await?;
    }
    if wanted(Part::Restart) {
        restart::measure(&bench, &mut report).await?;
    }
    if wanted(Part::Idle) {
        idle::measure(&bench, &mut report).await?;
    }
    if wanted(Part::Scale) {
        scale::measure(&bench, &mut report).await?;
    }
    if wanted(Part::Agents) {
        agents::measure(&bench, &mut report).await?;
    }
    if wanted(Part::Wan) {
        wan::measure(&bench, &mut report).await?;
    }
    report.write(&arguments.out)?;
    print!("{}", report.table());
    Ok(())
}
