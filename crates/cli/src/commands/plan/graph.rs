//! `baton plan graph`: needs no cluster.

use clap::ValueEnum;

use crate::failure::{Exit, Failure};
use crate::{output, plan_file};

/// Flags of `baton plan graph`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A plan file; - is stdin
    file: String,
    /// How to draw
    #[arg(long, value_enum, default_value = "text")]
    format: Drawing,
}

/// A way to draw.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Drawing {
    Text,
    Mermaid,
    Dot,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (_, checked) = plan_file::sound(&arguments.file)?;
    let format = match arguments.format {
        Drawing::Text => baton_plan::Format::Text,
        Drawing::Mermaid => baton_plan::Format::Mermaid,
        Drawing::Dot => baton_plan::Format::Dot,
    };
    let drawing = baton_plan::draw(&checked.plan, format);
    output::write(&format!("{}\n", drawing.trim_end()))?;
    Ok(Exit::Done)
}
