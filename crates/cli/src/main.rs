//! `baton`: the coordinators and agents of a cluster, and everything an operator asks of them.
//!
//! `arguments` is what may be typed, with a file a command below `commands`; `failure` is how a
//! command ends badly, `output` how it prints data; `render` and `follow` turn what the client
//! answers into text, purely; `local` is a whole cluster on this machine, for `dev` and `demo`.

mod allocator;
mod arguments;
mod commands;
mod connection;
mod demo;
mod failure;
mod follow;
mod local;
mod logging;
mod operator;
mod output;
mod plan_file;
mod render;
mod shelf;
mod talk;

use std::process::ExitCode;

use arguments::{Arguments, Command};
use clap::Parser;
use failure::{Exit, Failure};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return failure::usage(&error),
    };
    allocator::give_back_at_once();
    let format = arguments.format();
    let ended = match arguments.command {
        // A supervisor is small on purpose: one for every attempt, and no runtime in it.
        Command::Cradle(arguments) => return baton_agent::cradle(&arguments.folder),
        Command::Supervise(arguments) => return baton_agent::supervise(&arguments.folder),
        Command::Act(arguments) => return baton_agent::act(&arguments.folder),
        Command::Completion(arguments) => commands::completion::run(&arguments),
        Command::Shop(shop) => demo::shop::run(shop).map(|()| Exit::Done).map_err(Failure::from),
        command => run(command),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => failure.tell(format),
    }
}

/// Half of the cores: the other half writes to the disk, and a task that stays on its thread wakes nobody up.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
}

/// Children die with the thread that started them, so the main thread is the one that runs
/// commands and never ends before its process does.
fn run(command: Command) -> Result<Exit, Failure> {
    let mut builder = match command {
        // What it waits for comes from processes and disks, and a second thread would be woken for every word of theirs.
        Command::Agent(_) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(workers()).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::ours(format!("no runtime could be started: {error}")))?;
    let ended = runtime.block_on(commands::run(command));
    // What is still being waited for, such as a read of the terminal, must not hold up the end.
    runtime.shutdown_background();
    ended
}
