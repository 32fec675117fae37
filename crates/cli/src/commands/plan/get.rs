//! `baton plan get`.

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::output::{self, Output};
use crate::plan_file::versioned;

/// Flags of `baton plan get`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The plan's name, or NAME@VERSION
    name: String,
    /// Its version; the newest without it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    plan_version: Option<u32>,
    /// Take what any one coordinator knows, also when nobody leads
    #[arg(long)]
    stale: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let client = arguments.connection.client()?;
    let (name, version) = versioned(&arguments.name);
    let plan = client.get_plan(&name, arguments.plan_version.or(version), arguments.stale).await?;
    output::print(&plan, arguments.output)
}
