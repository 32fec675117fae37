//! The commands, a file each: its flags, what it asks of the client, and what it prints.

pub(crate) mod agent;
pub(crate) mod cluster;
pub(crate) mod completion;
pub(crate) mod dev;
pub(crate) mod lock;
pub(crate) mod plan;
pub(crate) mod region;
pub(crate) mod resource;
pub(crate) mod run;
pub(crate) mod server;
pub(crate) mod supervise;

use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::Command;
use crate::failure::{Exit, Failure};

/// Does what was asked.
pub(crate) async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Demo(options) => match crate::demo::run(options).await? {
            true => Ok(Exit::Done),
            false => Ok(Exit::Ours),
        },
        Command::Dev(arguments) => dev::run(arguments).await,
        Command::Server(arguments) => server::run(arguments).await,
        Command::Agent(arguments) => agent::run(arguments).await,
        Command::Plan(command) => plan::run(command).await,
        Command::Run(command) => run::run(command).await,
        Command::Region(command) => region::run(command).await,
        Command::Lock(lock::Command::List(arguments)) => lock::list(arguments).await,
        Command::Resource(command) => resource::run(command).await,
        Command::Cluster(command) => cluster::run(command).await,
        Command::Completion(arguments) => completion::run(&arguments),
        Command::Cradle(_) | Command::Supervise(_) | Command::Act(_) | Command::Shop(_) => {
            Err(Failure::ours("this command is run without a runtime"))
        }
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn asked_to_end() {
    // Without a handler for it, SIGTERM ends the process by itself.
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
