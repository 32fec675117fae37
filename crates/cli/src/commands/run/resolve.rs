//! `baton run resolve`.

use clap::ValueEnum;

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::operator::Request;
use crate::output::{self, Output};

/// Flags of `baton run resolve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The run's id
    run: String,
    /// The step that is in doubt
    step: String,
    /// What became of it; `retry` when it is known not to have happened
    #[arg(long = "as", value_name = "succeeded|failed|retry", value_enum, hide_possible_values = true)]
    verdict: Verdict,
    /// How you know; stands in the record
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
    #[command(flatten)]
    request: Request,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Verdict {
    Succeeded,
    Failed,
    Retry,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Retry => "retry",
        }
    }
}

fn reason(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        Err("a reason is needed: it stands in the record")
    } else {
        Ok(text.to_owned())
    }
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { run, step, verdict, reason, request, connection, output } = arguments;
    let origin = request.origin()?;
    let decided = connection.client()?.resolve_step(&run, &step, verdict.word(), &reason, &origin).await?;
    output::print(&decided, output)
}
