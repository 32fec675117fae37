//! `baton run …`.

mod decide;
mod events;
mod list;
mod resolve;
mod show;
mod start;
mod wait;
mod watch;

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::output::Format;

/// What there is to do with runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a run of a plan, registered or from a file
    Start(start::Arguments),
    /// Runs, the newest first
    List(list::Arguments),
    /// Everything about a run
    Show(show::Arguments),
    /// Follow a run, and end by its result
    Watch(watch::Arguments),
    /// Wait for a run's end, and end by its result
    Wait(wait::Arguments),
    /// What happened, in order
    Events(events::Arguments),
    /// Say what became of a step that is in doubt
    Resolve(resolve::Arguments),
    /// Start nothing new until the run is resumed
    Pause(decide::Arguments),
    /// Let a paused run go on
    Resume(decide::Arguments),
    /// End a run as soon as what is under way has ended
    Cancel(decide::Arguments),
}

impl Command {
    pub(crate) fn format(&self) -> Format {
        let output = match self {
            Self::Start(arguments) => arguments.output,
            Self::List(arguments) => arguments.output,
            Self::Show(arguments) => arguments.output,
            Self::Watch(arguments) => arguments.output,
            Self::Wait(arguments) => arguments.output,
            Self::Events(arguments) => arguments.output,
            Self::Resolve(arguments) => arguments.output,
            Self::Pause(arguments) | Self::Resume(arguments) | Self::Cancel(arguments) => arguments.output,
        };
        output.format
    }
}

pub(crate) async fn run(command: Command) -> Result<Exit, Failure> {
    use baton_client::Decision;
    match command {
        Command::Start(arguments) => start::run(arguments).await,
        Command::List(arguments) => list::run(arguments).await,
        Command::Show(arguments) => show::run(arguments).await,
        Command::Watch(arguments) => watch::run(arguments).await,
        Command::Wait(arguments) => wait::run(arguments).await,
        Command::Events(arguments) => events::run(arguments).await,
        Command::Resolve(arguments) => resolve::run(arguments).await,
        Command::Pause(arguments) => decide::run(Decision::Pause, arguments).await,
        Command::Resume(arguments) => decide::run(Decision::Resume, arguments).await,
        Command::Cancel(arguments) => decide::run(Decision::Cancel, arguments).await,
    }
}
