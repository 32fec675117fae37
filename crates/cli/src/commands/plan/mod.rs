//! `baton plan …`.

mod check;
mod get;
mod graph;
mod list;
mod register;
mod show;

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::output::{self, Format};

/// What there is to do with plans.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say everything that is wrong with plan files
    Check(check::Arguments),
    /// Print the JSON Schema of plan files, for editors
    Schema,
    /// Draw a plan
    Graph(graph::Arguments),
    /// Show what a plan will do, registered or from a file
    Show(show::Arguments),
    /// Register a plan file
    Register(register::Arguments),
    /// The registered plans
    List(list::Arguments),
    /// Print a registered plan exactly as it was written
    Get(get::Arguments),
}

impl Command {
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Check(arguments) => arguments.output.format,
            Self::Show(arguments) => arguments.output.format,
            Self::Register(arguments) => arguments.output.format,
            Self::List(arguments) => arguments.output.format,
            Self::Get(arguments) => arguments.output.format,
            Self::Schema | Self::Graph(_) => Format::Table,
        }
    }
}

pub(crate) async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Schema => {
            output::write(&format!("{:#}\n", baton_plan::schema()))?;
            Ok(Exit::Done)
        }
        Command::Graph(arguments) => graph::run(&arguments),
        Command::Show(arguments) => show::run(arguments).await,
        Command::Register(arguments) => register::run(arguments).await,
        Command::List(arguments) => list::run(arguments).await,
        Command::Get(arguments) => get::run(arguments).await,
    }
}
