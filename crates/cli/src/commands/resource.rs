//! `baton resource …`: named capacities that steps draw on.

use clap::Subcommand;

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::operator::Decider;
use crate::output::{self, Format, Output};
use crate::render::CapacitySet;

/// What there is about resources.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The resources, their capacities, and who draws on them
    List(List),
    /// Set a capacity for the whole cluster, also in the middle of a run
    ///
    /// It counts instead of what the plans say until it is set to `default`. A smaller capacity takes nothing back:
    /// steps that are under way keep what they have drawn, and new ones wait.
    Set(Set),
}

/// Flags of `baton resource list`.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Take what any one coordinator knows, also when nobody leads
    #[arg(long)]
    stale: bool,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: Output,
}

/// Flags of `baton resource set`.
#[derive(Debug, clap::Args)]
pub(crate) struct Set {
    /// The resource's name, as the plans write it
    name: String,
    /// Units that may be drawn at once; `default` gives it back to the plans
    #[arg(value_name = "N|default", value_parser = capacity)]
    capacity: Capacity,
    /// Why; stands in the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    decider: Decider,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: Output,
}

/// Units; none for what the plans say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Capacity(Option<u32>);

impl Command {
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::List(arguments) => arguments.output.format,
            Self::Set(arguments) => arguments.output.format,
        }
    }
}

pub(crate) async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::List(arguments) => {
            let resources = arguments.connection.client()?.list_resources(arguments.stale).await?;
            output::print(&resources, arguments.output)
        }
        Command::Set(arguments) => set(arguments).await,
    }
}

async fn set(arguments: Set) -> Result<Exit, Failure> {
    let Set { name, capacity: Capacity(capacity), reason, decider, connection, output } = arguments;
    let (origin, reason) = (decider.origin()?, reason.unwrap_or_default());
    let set = connection.client()?.set_capacity(&name, capacity, &reason, &origin).await?;
    output::print(&CapacitySet { resource: set.name, capacity, revision: set.revision }, output)
}

fn capacity(text: &str) -> Result<Capacity, String> {
    match text {
        "default" => Ok(Capacity(None)),
        number => number
            .parse()
            .map(|units| Capacity(Some(units)))
            .map_err(|_| "a whole number of units, or `default`, is expected".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capacity_is_a_number_or_what_the_plans_say() {
        assert_eq!(capacity("3"), Ok(Capacity(Some(3))));
        assert_eq!(capacity("default"), Ok(Capacity(None)));
        for wrong in ["", "-1", "many", "1.5"] {
            assert!(capacity(wrong).unwrap_err().contains("`default`"), "{wrong}");
        }
    }
}
