//! `baton lock list`.

use clap::Subcommand;

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::output::{self, Format, Output};

/// What there is about locks.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The locks that are held, by whom and for how long, and who waits for them
    List(Arguments),
}

/// Flags of `baton lock list`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Take what any one coordinator knows, also when nobody leads
    #[arg(long)]
    stale: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: Output,
}

impl Command {
    pub(crate) fn format(&self) -> Format {
        let Self::List(arguments) = self;
        arguments.output.format
    }
}

pub(crate) async fn list(arguments: Arguments) -> Result<Exit, Failure> {
    let locks = arguments.connection.client()?.list_locks(arguments.stale).await?;
    output::print(&locks, arguments.output)
}
