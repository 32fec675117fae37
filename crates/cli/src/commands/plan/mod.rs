//! `baton plan …`.

mod check;
mod diff;
mod explain;
mod get;
mod graph;
mod list;
mod register;
mod show;
mod templates;

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::output::{self, Format};

/// What there is to do with plans.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say everything that is wrong with plan files, and with --strict what could be better
    ///
    /// Files may hold plans and step templates. A step's `uses` finds the templates that are built in and those in the
    /// files named beside the plan; the cluster is asked for the others where one is named.
    ///
    /// Ends with 3 when a file is invalid. Warnings and findings leave the file valid; with --strict, findings end with 3
    /// as well, for CI.
    Check(check::Arguments),
    /// Explain a field of plan files, or the code of a finding
    Explain(explain::Arguments),
    /// Print the JSON Schema of plan files, for editors
    Schema,
    /// Draw a plan
    Graph(graph::Arguments),
    /// Show what a plan will do, registered or from a file
    Show(show::Arguments),
    /// Say what changes between two plans, as they are understood
    ///
    /// Comments, and defaults that are written out, make no difference.
    Diff(diff::Arguments),
    /// Register a plan or a step template
    ///
    /// A text that is not the newest version already becomes a new version. Runs keep the version that they began with,
    /// and plans the version of a step template that was the newest when they were registered.
    Register(register::Arguments),
    /// The registered plans
    List(list::Arguments),
    /// Print a registered plan exactly as it was written
    Get(get::Arguments),
    /// The step templates: built in, and registered
    Templates(templates::List),
    /// Print a step template exactly as it was written
    Template(templates::Get),
}

impl Command {
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Check(arguments) => arguments.output.format,
            Self::Show(arguments) => arguments.output.format,
            Self::Diff(arguments) => arguments.output.format,
            Self::Register(arguments) => arguments.output.format,
            Self::List(arguments) => arguments.output.format,
            Self::Get(arguments) => arguments.output.format,
            Self::Templates(arguments) => arguments.output.format,
            Self::Template(arguments) => arguments.output.format,
            Self::Explain(_) | Self::Schema | Self::Graph(_) => Format::Table,
        }
    }
}

pub(crate) async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Check(arguments) => check::run(&arguments).await,
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Schema => {
            output::write(&format!("{:#}\n", baton_plan::schema()))?;
            Ok(Exit::Done)
        }
        Command::Graph(arguments) => graph::run(arguments).await,
        Command::Show(arguments) => show::run(arguments).await,
        Command::Diff(arguments) => diff::run(arguments).await,
        Command::Register(arguments) => register::run(arguments).await,
        Command::List(arguments) => list::run(arguments).await,
        Command::Get(arguments) => get::run(arguments).await,
        Command::Templates(arguments) => templates::list(arguments).await,
        Command::Template(arguments) => templates::get(arguments).await,
    }
}
