//! `baton cluster …`: who belongs to it, who leads it, and its return from a backup.

use std::path::PathBuf;

use baton_client::view::Time;
use baton_node::raft::backup;
use baton_node::raft::restore::{Founder, Source, restore as make};
use clap::Subcommand;

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::operator::Decider;
use crate::output::{self, Format, Output};
use crate::render::{BackedUp, LeaderPreferred, LeaderTransferred, MemberChanged, Restored};
use crate::talk;

/// What there is about the cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Who leads, who is there, and how far everyone is
    Status(Arguments),
    /// Take a new coordinator in, as a learner
    ///
    /// Start it first, with `baton server --join` and an empty data folder: it waits until it is added. As a learner it
    /// gets the log and has no vote. `baton cluster status` shows when it has caught up, and `baton cluster promote`
    /// gives it a vote.
    Add(Add),
    /// Give a learner that has caught up a vote
    Promote(Member),
    /// Remove a coordinator for ever
    ///
    /// Its id is never used again: a machine that comes back gets a new one. It is refused where the rest would have no
    /// majority. A leader hands over first.
    Remove(Member),
    /// Let another coordinator lead
    TransferLeader(Transfer),
    /// Say in which region the leader should be
    ///
    /// Near the agents that do most, a step costs up to a round trip less. Whoever leads elsewhere hands over to a
    /// coordinator of that region once that has been well for ten seconds: it has been running, has answered, and had
    /// all of the log. While the region is gone any other coordinator leads. `baton cluster status` shows the wish.
    PreferLeader(Prefer),
    /// Write the whole state to a file
    ///
    /// It holds everything that was acknowledged before the command. It is read through before the command ends well.
    Backup(Backup),
    /// Begin a new cluster from a backup, or from what a surviving member has
    ///
    /// It works on files alone and makes the data folder of one coordinator. Start that with `baton server`, then add the
    /// others to it: `baton server --join`, `baton cluster add`, `baton cluster promote`.
    ///
    /// What happened after the backup is not in it, so a new epoch begins: fencing tokens go on far above all that can
    /// have been given out, and nothing that must not happen twice is begun before every agent has told what it did
    /// since. What no agent can tell is probed, or in doubt until a person resolves it.
    ///
    /// With --from-data-dir the state comes from the data folder of a member that survived when a majority did not. Take
    /// the one with the longest log, and stop it first. It is refused while another member of the old cluster answers.
    Restore(Restore),
}

/// Flags of `baton cluster status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: Output,
}

/// Flags of `baton cluster add`.
#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// Its id; must never have been used in this cluster
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    id: u64,
    /// The region in which it stands
    #[arg(long, value_name = "R")]
    region: String,
    /// Where it answers
    #[arg(long, value_name = "HOST:PORT")]
    address: String,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: Output,
}

/// Flags of `baton cluster promote` and `baton cluster remove`.
#[derive(Debug, clap::Args)]
pub(crate) struct Member {
    /// The coordinator's id
    #[arg(value_name = "N")]
    id: u64,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: Output,
}

/// Flags of `baton cluster transfer-leader`.
#[derive(Debug, clap::Args)]
pub(crate) struct Transfer {
    /// To this one; without it, to one that has all of the log
    #[arg(long, value_name = "N")]
    to: Option<u64>,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: Output,
}

/// Flags of `baton cluster prefer-leader`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("where").required(true).args(["region", "none"]))]
pub(crate) struct Prefer {
    /// The region
    region: Option<String>,
    /// Anywhere again
    #[arg(long)]
    none: bool,
    #[command(flatten)]
    decider: Decider,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: Output,
}

/// Flags of `baton cluster backup`.
#[derive(Debug, clap::Args)]
pub(crate) struct Backup {
    /// Where to write it; what was there is replaced whole
    file: PathBuf,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: Output,
}

/// Flags of `baton cluster restore`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("from").required(true).args(["file", "from_data_dir"]))]
pub(crate) struct Restore {
    /// A file that `baton cluster backup` wrote
    file: Option<PathBuf>,
    /// The data folder of a surviving member, which has been stopped; it is left as it is
    #[arg(long, value_name = "DIR")]
    from_data_dir: Option<PathBuf>,
    /// The new data folder; must not exist yet, or be empty
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The id of the coordinator that the new cluster begins with
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    id: u64,
    /// The region in which it stands
    #[arg(long, value_name = "R")]
    region: String,
    /// How the others will reach it
    #[arg(long, value_name = "HOST:PORT")]
    address: String,
    #[command(flatten)]
    output: Output,
}

impl Command {
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Status(arguments) => arguments.output.format,
            Self::Add(arguments) => arguments.output.format,
            Self::Promote(arguments) | Self::Remove(arguments) => arguments.output.format,
            Self::TransferLeader(arguments) => arguments.output.format,
            Self::PreferLeader(arguments) => arguments.output.format,
            Self::Backup(arguments) => arguments.output.format,
            Self::Restore(arguments) => arguments.output.format,
        }
    }
}

pub(crate) async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Status(arguments) => status(arguments).await,
        Command::Add(Add { id, region, address, connection, output }) => {
            let revision = connection.client()?.add_member(id, &region, &address).await?;
            output::print(&MemberChanged { member: id, role: "learner", revision }, output)
        }
        Command::Promote(Member { id, connection, output }) => {
            let revision = connection.client()?.promote_member(id).await?;
            output::print(&MemberChanged { member: id, role: "voter", revision }, output)
        }
        Command::Remove(Member { id, connection, output }) => {
            let revision = connection.client()?.remove_member(id).await?;
            output::print(&MemberChanged { member: id, role: "removed", revision }, output)
        }
        Command::TransferLeader(arguments) => transfer(arguments).await,
        Command::PreferLeader(Prefer { region, none: _, decider, connection, output }) => {
            let revision = connection.client()?.prefer_leader(region.as_deref(), &decider.origin()?).await?;
            output::print(&LeaderPreferred { preferred_region: region, revision }, output)
        }
        Command::Backup(arguments) => back_up(arguments).await,
        Command::Restore(arguments) => restore(arguments).await,
    }
}

async fn status(arguments: Arguments) -> Result<Exit, Failure> {
    let status = arguments.connection.client()?.cluster_status().await?;
    output::print(&status, arguments.output)
}

async fn transfer(Transfer { to, connection, output }: Transfer) -> Result<Exit, Failure> {
    let client = connection.client()?;
    // Whoever leads when it is asked for is the one to hand over; nobody, while there is none.
    let from = client.cluster_status().await?.leader.unwrap_or(0);
    let leader = client.transfer_leader(from, to).await?;
    output::print(&LeaderTransferred { from, leader }, output)
}

async fn back_up(Backup { file, connection, output }: Backup) -> Result<Exit, Failure> {
    let mut unfinished = backup::Unfinished::create(&file)?;
    connection.client()?.backup(|part| unfinished.add(part)).await?;
    let contents = unfinished.finish()?;
    let backup::Contents { bytes, cluster, revision, wall_ms, runs, active } = contents;
    let (file, taken_at) = (file.display().to_string(), Time::from_ms(wall_ms));
    output::print(&BackedUp { file, bytes, cluster, revision, taken_at, runs, active }, output)
}

async fn restore(arguments: Restore) -> Result<Exit, Failure> {
    let Restore { file, from_data_dir, data_dir, id, region, address, output } = arguments;
    let source = match (file, from_data_dir) {
        (Some(file), None) => Source::Backup(file),
        (None, Some(folder)) => Source::DataDir(folder),
        _ => return Err(Failure::usage("name a backup, or --from-data-dir, and not both")),
    };
    let founder = Founder { data_dir: data_dir.clone(), id, region, address };
    let made =
        make(source, founder).await.map_err(|error| Failure::new(Exit::Refused, format!("{error:#}")))?;
    if !made.still_there.is_empty() {
        talk::say(format!(
            "MEMBERS OF THE OLD CLUSTER STILL ANSWER: {}. Stop them before agents find both.",
            made.still_there.join(", ")
        ));
    }
    let restored = Restored {
        data_dir: data_dir.display().to_string(),
        member: id,
        cluster: made.cluster,
        epoch: made.epoch,
        revision: made.revision,
        active: made.active,
        waits_for: made.agents,
        still_there: made.still_there,
    };
    output::print(&restored, output)
}
