//! `baton plan explain`: needs no cluster.

use crate::failure::{Exit, Failure};
use crate::output;

/// Flags of `baton plan explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The field, as in spec.steps.retry, or StepTemplate.spec.outputs; or the code of a finding, as in B101. The plan
    /// as a whole without it
    #[arg(value_name = "FIELD|CODE", default_value = "", hide_default_value = true)]
    about: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let code = baton_plan::codes().iter().find(|code| code.code.eq_ignore_ascii_case(&arguments.about));
    let text = match code {
        Some(code) => format!("{}: {}", code.code, code.about),
        None => baton_plan::explain(&arguments.about).map_err(Failure::usage)?,
    };
    output::write(&format!("{}\n", text.trim_end()))?;
    Ok(Exit::Done)
}
