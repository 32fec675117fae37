//! `baton run graph`: the plan as it was registered, and where each of its steps stands.

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::plan_file::{Drawing, as_carried_out};
use crate::{output, render};

/// Flags of `baton run graph`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The run's id
    run: String,
    /// How to draw
    #[arg(long, value_enum, default_value = "text")]
    format: Drawing,
    /// Take what any one coordinator knows, also when nobody leads
    #[arg(long)]
    stale: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let client = arguments.connection.client()?;
    let run = client.get_run(&arguments.run, arguments.stale).await?;
    let registered = client.get_plan(&run.plan, Some(run.plan_version), arguments.stale).await?;
    let plan = as_carried_out(&registered)?;
    let status = |step: &str| run.step(step).map(|step| render::standing(&run, step));
    let drawing = baton_plan::draw_with_status(&plan, arguments.format.into(), &status);
    output::write(&format!("{}\n", drawing.trim_end()))?;
    Ok(Exit::Done)
}
