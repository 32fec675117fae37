//! `baton agent`: one agent; and `baton agent list`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Subcommand;

use crate::commands::asked_to_end;
use crate::connection::{Connection, addresses};
use crate::failure::{Exit, Failure, io};
use crate::logging;
use crate::output::{self, Format, Output};
use crate::render::AgentList;

/// Flags of `baton agent`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    agent: Option<Agent>,
}

/// What else there is about agents.
#[derive(Debug, Subcommand)]
enum Command {
    /// The agents of a cluster
    List(List),
}

/// Flags of `baton agent list`.
#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    output: Output,
}

/// What an agent is told.
#[derive(Debug, clap::Args)]
struct Agent {
    /// Its name, unique in the cluster
    #[arg(long, value_name = "A")]
    name: String,
    /// The region in which it does steps
    #[arg(long, value_name = "R")]
    region: String,
    /// The coordinators; BATON_SERVERS without it
    // Not clap's `env`: the variable alone would count as the beginning of an agent's flags,
    // and `baton agent list` would ask for the rest of them.
    #[arg(long, value_name = "HOST:PORT,…")]
    servers: Option<String>,
    /// Its journal and its attempts; nobody else's
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// How many steps it does at once [default: 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    slots: Option<u32>,
    /// For people and placement
    #[arg(long, value_name = "K=V,…", value_parser = labels)]
    labels: Option<BTreeMap<String, String>>,
    /// A TOML file with `slots` and a table `labels`; flags come first
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What the file given with `--config` may set.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    slots: Option<u32>,
    labels: BTreeMap<String, String>,
}

const SLOTS: u32 = 32;

impl Arguments {
    pub(crate) fn format(&self) -> Format {
        match &self.command {
            Some(Command::List(list)) => list.output.format,
            None => Format::Table,
        }
    }
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match (arguments.command, arguments.agent) {
        (Some(Command::List(list)), _) => {
            let status = list.connection.client()?.cluster_status().await?;
            output::print(&AgentList::from(status), list.output)
        }
        (None, Some(agent)) => {
            let config = agent.config()?;
            logging::start();
            baton_agent::run(config, asked_to_end()).await?;
            Ok(Exit::Done)
        }
        (None, None) => Err(Failure::usage("an agent needs --name, --region, --servers and --data-dir")),
    }
}

impl Agent {
    fn config(self) -> Result<baton_agent::Config, Failure> {
        let settings = match &self.config {
            Some(file) => settings(file)?,
            None => Settings::default(),
        };
        let baton = std::env::current_exe().map_err(io("this program's own file cannot be found"))?;
        let servers = self.servers.or_else(|| std::env::var("BATON_SERVERS").ok());
        let servers = addresses(&servers.unwrap_or_default());
        if servers.is_empty() {
            return Err(Failure::usage("no coordinator is named").hint("give --servers HOST:PORT,…"));
        }
        let mut labels = settings.labels;
        labels.extend(self.labels.unwrap_or_default());
        Ok(baton_agent::Config {
            name: self.name,
            region: self.region,
            servers,
            data_dir: self.data_dir,
            slots: self.slots.or(settings.slots).unwrap_or(SLOTS),
            labels,
            cradle: Some(vec![baton.clone().into(), "cradle".into()]),
            supervisor: vec![baton.into(), "supervise".into()],
        })
    }
}

fn settings(file: &std::path::Path) -> Result<Settings, Failure> {
    let text = std::fs::read_to_string(file).map_err(io(format!("cannot read {}", file.display())))?;
    let wrong =
        |error| Failure::usage(format!("the configuration {} cannot be used: {error}", file.display()));
    let settings: Settings = toml::from_str(&text).map_err(wrong)?;
    if settings.slots == Some(0) {
        return Err(Failure::usage(format!("{}: slots = 0 would let the agent do nothing", file.display())));
    }
    Ok(settings)
}

fn labels(text: &str) -> Result<BTreeMap<String, String>, String> {
    let parts = text.split(',').filter(|part| !part.trim().is_empty());
    let pair = |part: &str| match part.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(format!("`{part}` is not NAME=VALUE")),
    };
    parts.map(pair).collect()
}
