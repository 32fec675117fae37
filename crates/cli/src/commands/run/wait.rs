//! `baton run wait`: the end is data, what happens until then is talk.

use std::io::IsTerminal;

use baton_client::Client;

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::follow::{Live, Patience, Plain, Screen, Silent, follow, outcome};
use crate::output::{self, Format, Output};

/// Flags of `baton run wait`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The run's id
    run: String,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let client = arguments.connection.client()?;
    wait(&client, &arguments.run, arguments.patience, arguments.output).await
}

/// Follows a run, prints it as `run show` does, and ends by its result.
pub(super) async fn wait(
    client: &Client,
    run: &str,
    patience: Patience,
    output: Output,
) -> Result<Exit, Failure> {
    let mut screen: Box<dyn Screen> = match output.format {
        _ if std::io::stderr().is_terminal() => Box::new(Live::new()),
        Format::Table => Box::new(Plain::new(false)),
        _ => Box::new(Silent),
    };
    let (view, exit) = follow(client, run, patience, screen.as_mut()).await?;
    output::print(&view, output)?;
    match output.format {
        // The page has said it all; a second telling would only push it away.
        Format::Table => Ok(exit),
        _ => outcome(&view, exit),
    }
}
