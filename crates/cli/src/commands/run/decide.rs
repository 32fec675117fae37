//! `baton run pause`, `resume` and `cancel`: one decision about a whole run each.

use baton_client::Decision;

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::operator::Request;
use crate::output::{self, Output};

/// Flags of a decision.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The run's id
    run: String,
    /// Why; stands in the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    request: Request,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(crate) async fn run(decision: Decision, arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { run, reason, request, connection, output } = arguments;
    let (origin, reason) = (request.origin()?, reason.unwrap_or_default());
    let decided = connection.client()?.decide(decision, &run, &reason, &origin).await?;
    output::print(&decided, output)
}
