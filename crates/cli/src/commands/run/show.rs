//! `baton run show`.

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::output::{self, Output};

/// Flags of `baton run show`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The run's id
    run: String,
    /// Take what any one coordinator knows, also when nobody leads
    #[arg(long)]
    stale: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let run = arguments.connection.client()?.get_run(&arguments.run, arguments.stale).await?;
    output::print(&run, arguments.output)
}
