//! Data on stdout, in the form that was asked for.

use std::io::{ErrorKind, Write};

use clap::ValueEnum;
use serde::Serialize;

use crate::failure::{Exit, Failure, io};

/// A form of data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
    /// For both
    Yaml,
    /// Only what names each thing, a line each
    Name,
}

/// The flag that every command has which prints data.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Output {
    /// How to print: table, json, yaml or name
    #[arg(
        short = 'o',
        long = "output",
        value_name = "FORMAT",
        value_enum,
        default_value = "table",
        hide_possible_values = true
    )]
    pub(crate) format: Format,
}

/// Something that can be printed in every form.
pub(crate) trait Data: Serialize {
    /// For people; ends with a line break unless it is empty.
    fn table(&self) -> String;

    /// What names each thing in it.
    fn names(&self) -> Vec<String>;
}

/// The text of something in a form.
pub(crate) fn text(data: &impl Data, format: Format) -> Result<String, Failure> {
    Ok(match format {
        Format::Table => data.table(),
        Format::Json => {
            let json = serde_json::to_string_pretty(data);
            json.map_err(|error| Failure::ours(format!("the answer cannot be written as JSON: {error}")))?
                + "\n"
        }
        Format::Yaml => serde_saphyr::to_string(data)
            .map_err(|error| Failure::ours(format!("the answer cannot be written as YAML: {error}")))?,
        Format::Name => data.names().into_iter().map(|name| name + "\n").collect(),
    })
}

/// Prints something; the command is done.
pub(crate) fn print(data: &impl Data, output: Output) -> Result<Exit, Failure> {
    write(&text(data, output.format)?)?;
    Ok(Exit::Done)
}

/// Writes to stdout at once. A reader that has seen enough ends the process quietly.
pub(crate) fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        written => written.map_err(io("stdout")),
    }
}
