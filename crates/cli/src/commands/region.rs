//! `baton region list`.

use clap::Subcommand;

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::output::{self, Format, Output};
use crate::render::RegionList;

/// What there is about regions.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The regions, with the servers and agents in each
    List(Arguments),
}

/// Flags of `baton region list`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
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
    let status = arguments.connection.client()?.cluster_status().await?;
    output::print(&RegionList::from(status), arguments.output)
}
