//! `baton run watch`: every change is data.

use std::io::IsTerminal;

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::follow::{Live, Patience, Plain, Screen, Stream, follow, outcome};
use crate::output::{self, Format, Output};

/// Flags of `baton run watch`.
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
    let format = arguments.output.format;
    let drawn = format == Format::Table && std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
    let mut screen: Box<dyn Screen> = match format {
        Format::Table if drawn => Box::new(Live::new()),
        Format::Table => Box::new(Plain::new(true)),
        format => Box::new(Stream::new(format)),
    };
    let (view, exit) = follow(&client, &arguments.run, arguments.patience, screen.as_mut()).await?;
    if drawn {
        output::print(&view, arguments.output)?;
        return Ok(exit);
    }
    outcome(&view, exit)
}
