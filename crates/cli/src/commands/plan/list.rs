//! `baton plan list`.

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::output::{self, Output};

/// Flags of `baton plan list`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Take what any one coordinator knows, also when nobody leads
    #[arg(long)]
    stale: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let plans = arguments.connection.client()?.list_plans(arguments.stale).await?;
    output::print(&plans, arguments.output)
}
