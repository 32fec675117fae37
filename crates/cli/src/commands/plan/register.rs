//! `baton plan register`.

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::operator::Request;
use crate::output::{self, Output};
use crate::plan_file;

/// Flags of `baton plan register`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A file with a plan or a step template; - is stdin
    file: String,
    #[command(flatten)]
    request: Request,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let client = arguments.connection.client()?;
    let origin = arguments.request.origin()?;
    let (source, _) = plan_file::sound(&arguments.file, Some(&client), arguments.output.format).await?;
    let registered = client.register_plan(&source, &origin).await?;
    output::print(&registered, arguments.output)
}
