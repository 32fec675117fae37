//! `baton cluster status`.

use clap::Subcommand;

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::output::{self, Format, Output};

/// What there is about the cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Who leads, who is there, and how far everyone is
    Status(Arguments),
}

/// Flags of `baton cluster status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: Output,
}

impl Command {
    pub(crate) fn format(&self) -> Format {
        let Self::Status(arguments) = self;
        arguments.output.format
    }
}

pub(crate) async fn status(arguments: Arguments) -> Result<Exit, Failure> {
    let status = arguments.connection.client()?.cluster_status().await?;
    output::print(&status, arguments.output)
}
