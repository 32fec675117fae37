//! `baton region …`: who stands where, and a person's word that a region is gone.

use std::io::{BufRead, IsTerminal};

use clap::Subcommand;

use crate::connection::Connection;
use crate::failure::{Exit, Failure, io};
use crate::operator::Decider;
use crate::output::{self, Format, Output};
use crate::render::RegionSettled;
use crate::talk;

/// What there is about regions.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The regions, with the servers and agents in each, and which were declared lost
    List(List),
    /// Say that a region is gone for good, so that what ran there counts as ended
    ///
    /// Baton cannot tell a region that is gone from one that only cannot be reached, so it never assumes the first. By
    /// this word you vouch that nothing in the region acts any more: it is switched off, fenced, or cut off from
    /// everything that its steps could change.
    ///
    /// Steps under way there count as ended. Those that may be repeated, and those whose probe says that they did not
    /// happen, are attempted again by agents of other regions, unless the plan says `elsewhere: false`. The others are
    /// in doubt until a person resolves them. Agents of the region are given nothing to do until `baton region restore`.
    ///
    /// At a terminal the command asks before it acts, unless --yes is given. In a script it acts at once.
    DeclareLost(DeclareLost),
    /// Let a region that was declared lost take part again
    Restore(Restore),
}

/// Flags of `baton region list`.
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

/// Flags of `baton region declare-lost`.
#[derive(Debug, clap::Args)]
pub(crate) struct DeclareLost {
    /// The region
    region: String,
    /// Why, and how you know; stands in the record
    #[arg(long, value_name = "TEXT", value_parser = crate::commands::run::decide::words)]
    reason: Option<String>,
    /// Do not ask at a terminal
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    decider: Decider,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: Output,
}

/// Flags of `baton region restore`.
#[derive(Debug, clap::Args)]
pub(crate) struct Restore {
    /// The region
    region: String,
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

impl Command {
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::List(arguments) => arguments.output.format,
            Self::DeclareLost(arguments) => arguments.output.format,
            Self::Restore(arguments) => arguments.output.format,
        }
    }
}

pub(crate) async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::List(arguments) => {
            let regions = arguments.connection.client()?.list_regions(arguments.stale).await?;
            output::print(&regions, arguments.output)
        }
        Command::DeclareLost(arguments) => declare_lost(arguments).await,
        Command::Restore(arguments) => restore(arguments).await,
    }
}

async fn declare_lost(arguments: DeclareLost) -> Result<Exit, Failure> {
    let DeclareLost { region, reason, yes, decider, connection, output } = arguments;
    let (client, origin) = (connection.client()?, decider.origin()?);
    let at_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if at_terminal && !yes {
        let known = client.list_regions(false).await?;
        let live = known.regions.iter().find(|known| known.region == region).map(|known| known.agents_live);
        talk::say(question(&region, live));
        confirm(&region)?;
    }
    let reason = reason.unwrap_or_else(|| format!("declared lost by {}", origin.operator));
    let settled = client.declare_lost(&region, &reason, &origin).await?;
    output::print(&RegionSettled { region: settled.name, lost: true, revision: settled.revision }, output)
}

/// What is about to happen, for whoever is about to say so; `live` agents there, if anybody knows the region.
fn question(region: &str, live: Option<u32>) -> String {
    let warning = match live {
        None => format!("No coordinator and no agent stands in a region {region}: is the name right?\n"),
        Some(0) => String::new(),
        Some(1) => format!("ONE AGENT IN {region} ANSWERS: it is not gone.\n"),
        Some(live) => format!("{live} AGENTS IN {region} ANSWER: it is not gone.\n"),
    };
    format!(
        "{warning}By declaring {region} lost you vouch that nothing there acts any more. Steps under way there count \
         as ended and\nmay be attempted again elsewhere; if one of them still acts, it happens twice.\n\
         Type the region's name to go on:"
    )
}

fn confirm(region: &str) -> Result<(), Failure> {
    let mut typed = String::new();
    std::io::stdin().lock().read_line(&mut typed).map_err(io("cannot read the answer"))?;
    if typed.trim() == region {
        return Ok(());
    }
    Err(Failure::new(Exit::Refused, format!("region {region} was not declared lost: its name was not typed")))
}

async fn restore(arguments: Restore) -> Result<Exit, Failure> {
    let Restore { region, reason, decider, connection, output } = arguments;
    let (origin, reason) = (decider.origin()?, reason.unwrap_or_default());
    let settled = connection.client()?.restore_region(&region, &reason, &origin).await?;
    output::print(&RegionSettled { region: settled.name, lost: false, revision: settled.revision }, output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_declares_is_told_what_it_means() {
        let asked = [None, Some(0), Some(1), Some(3)].map(|live| question("east", live));
        insta::assert_snapshot!(asked.join("\n\n"));
    }
}
