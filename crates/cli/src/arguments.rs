//! What may be typed. Every command's own flags stand in the command's file.

use clap::{Parser, Subcommand};

use crate::commands::{agent, cluster, completion, dev, plan, region, run, server, supervise};
use crate::demo;
use crate::output::Format;

/// Carries a recovery plan to its end, across regions, through the death of its own leader.
#[derive(Debug, Parser)]
#[command(
    name = "baton",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// One command each.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show it: three regions, a failover, the leader killed in the middle, and the proof
    Demo(demo::Options),
    /// Run a cluster on this machine until Ctrl-C
    Dev(dev::Arguments),
    /// Run one coordinator
    Server(server::Arguments),
    /// Run an agent, or list those of a cluster
    Agent(agent::Arguments),
    /// Check, draw and register plans
    #[command(subcommand)]
    Plan(plan::Command),
    /// Start runs, follow them and decide about them
    #[command(subcommand)]
    Run(run::Command),
    /// The regions of a cluster
    #[command(subcommand)]
    Region(region::Command),
    /// The cluster itself
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Print the completion script of a shell
    Completion(completion::Arguments),
    /// Keep one attempt until its end is on disk; started by agents
    #[command(hide = true)]
    Supervise(supervise::Arguments),
    /// The shop that the demo moves from region to region
    #[command(hide = true, subcommand)]
    Shop(demo::shop::Shop),
}

impl Arguments {
    /// The form of data and of errors that was asked for.
    pub(crate) fn format(&self) -> Format {
        match &self.command {
            Command::Agent(arguments) => arguments.format(),
            Command::Plan(command) => command.format(),
            Command::Run(command) => command.format(),
            Command::Region(command) => command.format(),
            Command::Cluster(command) => command.format(),
            _ => Format::Table,
        }
    }
}

#[cfg(test)]
mod tests;
