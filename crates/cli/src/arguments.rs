//! What may be typed. Every command's own flags stand in the command's file.

use clap::{Parser, Subcommand};

use crate::commands::{
    agent, cluster, completion, dev, lock, plan, region, resource, run, server, supervise,
};
use crate::demo;
use crate::output::Format;

/// Said below the help of `baton` itself.
const EXIT_CODES: &str = "\
Exit codes:
    0  done; with --wait, the run succeeded
    1  an error of Baton's own
    2  the command line is wrong
    3  the plan is invalid
    4  there is no such thing
    5  no quorum, or no leader within --timeout
    6  the run needs an operator
    7  refused: not allowed, a held lock, a stale version
    8  the run failed
    9  the run was undone or canceled
   10  the wait is over, the run goes on
  130  interrupted; the run goes on

With -o json data and errors are JSON: data on stdout, errors on stderr.";

/// Carries a recovery plan to its end, across regions, through the death of its own leader.
///
/// A cluster of coordinators keeps the runs; agents in every region do the steps. When the leader dies in the middle of
/// a run another coordinator goes on, and no step that must not be repeated is repeated.
#[derive(Debug, Parser)]
#[command(
    name = "baton",
    version,
    max_term_width = 100,
    after_long_help = EXIT_CODES,
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
    /// Check, review, compare, draw and register plans
    #[command(subcommand)]
    Plan(plan::Command),
    /// Start runs, follow them and decide about them
    #[command(subcommand)]
    Run(run::Command),
    /// The regions of a cluster, and declaring one lost
    #[command(subcommand)]
    Region(region::Command),
    /// The locks that runs and steps hold
    #[command(subcommand)]
    Lock(lock::Command),
    /// The capacities that steps draw on
    #[command(subcommand)]
    Resource(resource::Command),
    /// The cluster itself: its members, its leader, backups
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Print the completion script of a shell
    Completion(completion::Arguments),
    /// Bear the supervisors of an agent, by which it is started; ends with it
    #[command(hide = true)]
    Cradle(supervise::Arguments),
    /// Keep one attempt until its end is on disk; started by agents
    #[command(hide = true)]
    Supervise(supervise::Arguments),
    /// Carry out the native action of one attempt; started by its supervisor
    #[command(hide = true)]
    Act(supervise::Arguments),
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
            Command::Lock(command) => command.format(),
            Command::Resource(command) => command.format(),
            Command::Cluster(command) => command.format(),
            _ => Format::Table,
        }
    }
}

#[cfg(test)]
mod tests;
