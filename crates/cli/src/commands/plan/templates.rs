//! `baton plan templates` and `baton plan template`.

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::output::{self, Output};

/// Flags of `baton plan templates`.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Take what any one coordinator knows, also when nobody leads
    #[arg(long)]
    stale: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

/// Flags of `baton plan template`.
#[derive(Debug, clap::Args)]
pub(crate) struct Get {
    /// The step template's name
    name: String,
    /// Its version, 0 for the one that is built in; the newest without it
    #[arg(long, value_name = "N")]
    template_version: Option<u32>,
    /// Take what any one coordinator knows, also when nobody leads
    #[arg(long)]
    stale: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(crate) async fn list(arguments: List) -> Result<Exit, Failure> {
    let templates = arguments.connection.client()?.list_templates(arguments.stale).await?;
    output::print(&templates, arguments.output)
}

pub(crate) async fn get(arguments: Get) -> Result<Exit, Failure> {
    let Get { name, template_version, stale, connection, output } = arguments;
    let template = connection.client()?.get_template(&name, template_version, stale).await?;
    output::print(&template, output)
}
