//! A suite that tries to break every promise of Baton, from outside: real processes, real faults, and nothing but the
//! binary and the client. The words are Jepsen's. `README.md` of this folder is its manual; `--help` is one too.

mod checker;
mod cli;
mod cluster;
mod edn;
mod generator;
mod history;
mod last;
mod nemesis;
mod profile;
mod recorder;
mod report;
mod sandbox;
mod store;
mod target;
mod test;
mod witness;
mod workload;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Arguments, Command, Profile};

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("the suite failed: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if sandbox::is_first() {
        return sandbox::first();
    }
    match arguments.command {
        Command::Tally(told) => profile::tally(&told),
        Command::Target { target } => target::run(&target).map(ExitCode::from),
        Command::Sabotage(flags) => profile::sabotage(&flags),
        Command::Check { history } => profile::check(&history),
        Command::Shrink(flags) => profile::shrink(&flags),
        Command::Replay { folder, place } => profile::replay(&folder, &place),
        Command::Test(test) if test.profile == Profile::Ci => profile::ci(&test),
        Command::Test(test) => profile::one(&test),
    }
}
