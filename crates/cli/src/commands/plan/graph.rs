//! `baton plan graph`.

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::output::{self, Format};
use crate::plan_file::{Drawing, Named, as_carried_out, named, sound_plan};

/// Flags of `baton plan graph`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A plan file (- is stdin), or a registered plan's name
    #[arg(value_name = "FILE|NAME")]
    plan: String,
    /// How to draw
    #[arg(long, value_enum, default_value = "text")]
    format: Drawing,
    #[command(flatten)]
    connection: Connection,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let plan = match named(&arguments.plan) {
        Named::File(file) => {
            let cluster = arguments.connection.client_if_named()?;
            sound_plan(&file, cluster.as_ref(), Format::Table).await?.1.plan
        }
        Named::Registered { name, version } => {
            as_carried_out(&arguments.connection.client()?.get_plan(&name, version, false).await?)?
        }
    };
    let drawing = baton_plan::draw(&plan, arguments.format.into());
    output::write(&format!("{}\n", drawing.trim_end()))?;
    Ok(Exit::Done)
}
