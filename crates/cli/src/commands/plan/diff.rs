//! `baton plan diff`: what changes between two plans, as they are understood.

use baton_client::Client;
use baton_plan::{Change, Plan};
use serde::Serialize;

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::output::{self, Data, Output};
use crate::plan_file::{Named, as_carried_out, named, sound_plan};

/// Flags of `baton plan diff`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The old plan: a file, a registered name, or NAME@VERSION. Alone it must be a file, and is the new plan: it is
    /// compared with the newest registered version of the same name
    #[arg(value_name = "OLD|FILE")]
    old: String,
    /// The new plan: a file, a registered name, or NAME@VERSION
    #[arg(value_name = "NEW")]
    new: Option<String>,
    /// End with 1 when they differ
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

/// Two plans, and what changes from the one to the other.
#[derive(Debug, Serialize)]
struct Diff {
    old: String,
    new: String,
    changes: Vec<Line>,
}

/// A change, and the line that tells it.
#[derive(Debug, Serialize)]
struct Line {
    text: String,
    #[serde(flatten)]
    change: Change,
}

/// A plan, and how it is called here.
struct Side {
    title: String,
    plan: Plan,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { old, new, exit_code, connection, output } = arguments;
    let (old, new) = match new {
        Some(new) => (side(&old, &connection, output).await?, side(&new, &connection, output).await?),
        None => against_registered(&old, &connection, output).await?,
    };
    let changes = baton_plan::diff(&old.plan, &new.plan).into_iter();
    let changes = changes.map(|change| Line { text: change.to_string(), change }).collect();
    let diff = Diff { old: old.title, new: new.title, changes };
    output::print(&diff, output)?;
    let differ = exit_code && !diff.changes.is_empty();
    Ok(if differ { Exit::Ours } else { Exit::Done })
}

/// The newest registered version of a file's plan, and the file's.
async fn against_registered(
    file: &str,
    connection: &Connection,
    output: Output,
) -> Result<(Side, Side), Failure> {
    if let Named::Registered { name, .. } = named(file) {
        let failure = Failure::usage(format!("{name} is not a file, and no other plan is named"));
        return Err(failure.hint("name two plans, or one file"));
    }
    let new = side(file, connection, output).await?;
    Ok((registered(&connection.client()?, &new.plan.name, None).await?, new))
}

async fn side(plan: &str, connection: &Connection, output: Output) -> Result<Side, Failure> {
    match named(plan) {
        Named::File(file) => {
            let cluster = connection.client_if_named()?;
            let (_, checked) = sound_plan(&file, cluster.as_ref(), output.format).await?;
            Ok(Side { title: file, plan: checked.plan })
        }
        Named::Registered { name, version } => registered(&connection.client()?, &name, version).await,
    }
}

async fn registered(client: &Client, name: &str, version: Option<u32>) -> Result<Side, Failure> {
    let found = client.get_plan(name, version, false).await?;
    let title = format!("{name}@{}", found.summary.plan_version);
    Ok(Side { title, plan: as_carried_out(&found)? })
}

impl Data for Diff {
    fn table(&self) -> String {
        match self.changes.as_slice() {
            [] => format!("{} and {} say the same\n", self.old, self.new),
            changes => {
                let lines: String = changes.iter().map(|line| format!("{}\n", line.text)).collect();
                format!("{} → {}\n{lines}", self.old, self.new)
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.changes.iter().map(|line| line.text.clone()).collect()
    }
}
