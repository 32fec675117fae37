//! `baton run list`.

use baton_client::Filter;

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::output::{self, Output};

/// Flags of `baton run list`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only runs of this plan
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    /// Only runs of this status
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Only runs older than this one: the next page
    #[arg(long, value_name = "RUN")]
    after: Option<String>,
    /// Take what any one coordinator knows, also when nobody leads
    #[arg(long)]
    stale: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { plan, status, limit, after, .. } = arguments;
    let filter = Filter { limit, after, plan, status };
    let runs = arguments.connection.client()?.list_runs(&filter, arguments.stale).await?;
    output::print(&runs, arguments.output)
}
