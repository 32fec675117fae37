//! `baton completion`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::failure::{Exit, Failure};
use crate::output;

/// Flags of `baton completion`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The shell, as in: source <(baton completion bash)
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::Arguments::command(), "baton", &mut script);
    output::write(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
