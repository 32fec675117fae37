//! `baton dev`: a cluster on this machine, to be used, broken and mended by hand.

use std::path::PathBuf;
use std::time::Duration;

use owo_colors::OwoColorize;
use tokio::time::interval;

use crate::commands::asked_to_end;
use crate::failure::{Exit, Failure, io};
use crate::local::{Cluster, Layout, Process, end_in_words};
use crate::{output, talk};

/// How often to look whether somebody has ended.
const LOOK: Duration = Duration::from_millis(200);

/// Flags of `baton dev`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where data, logs and cluster.json go, and stay; a temporary folder without it
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The regions; a coordinator stands in each
    #[arg(long, value_name = "A,B,C", value_delimiter = ',', default_value = "east,west,north", value_parser = region)]
    regions: Vec<String>,
    /// How many agents stand in each region
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=9))]
    agents_per_region: u8,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let folder = Folder::open(arguments.dir)?;
    let layout = Layout {
        dir: folder.path.clone(),
        regions: distinct(arguments.regions)?,
        agents_per_region: usize::from(arguments.agents_per_region),
    };
    let end = asked_to_end();
    tokio::pin!(end);
    let mut cluster = tokio::select! {
        cluster = Cluster::start(layout) => cluster?,
        () = &mut end => return Ok(Exit::Done),
    };
    output::write(&how_to(&cluster, &folder))?;
    let mut looks = interval(LOOK);
    let mut ended = Vec::new();
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = looks.tick() => cluster.processes().iter_mut().for_each(|process| mention(process, &mut ended)),
        }
    }
    talk::say("stopping everyone …");
    cluster.stop().await;
    Ok(Exit::Done)
}

fn how_to(cluster: &Cluster, folder: &Folder) -> String {
    let dir = folder.path.display();
    let kept = if folder.temporary.is_some() { " (goes away at the end; --dir keeps it)" } else { "" };
    format!(
        "{}\n\n  export BATON_SERVERS={}\n\n  baton cluster status\n  baton run start PLAN.yaml --wait\n\n\
         Processes, their pids and command lines: {dir}/cluster.json\nLogs: {dir}/logs{kept}\n\
         Kill whom you like: nobody is started again by itself. Ctrl-C stops everyone.\n",
        "The cluster is up.".bold(),
        cluster.servers().join(","),
    )
}

/// Says once that a process has ended, and how to start it again.
fn mention(process: &mut Process, mentioned: &mut Vec<u32>) {
    let Some(status) = process.ended() else { return };
    if mentioned.contains(&process.pid()) {
        return;
    }
    mentioned.push(process.pid());
    let member = process.member();
    let command = member.command.join(" ");
    talk::say(format!(
        "{} (pid {}) {}. Start it again with:\n  {command}",
        member.role.title(),
        process.pid(),
        end_in_words(status)
    ));
}

/// A folder that stays, or one that goes away with the command.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    temporary: Option<tempfile::TempDir>,
}

impl Folder {
    /// The folder that was named, made if it is missing, else a temporary one.
    fn open(named: Option<PathBuf>) -> Result<Self, Failure> {
        let (path, temporary) = match named {
            Some(path) => {
                std::fs::create_dir_all(&path).map_err(io(format!("{} cannot be made", path.display())))?;
                (path, None)
            }
            None => {
                let temporary = tempfile::Builder::new().prefix("baton-dev-").tempdir();
                let temporary = temporary.map_err(io("no temporary folder can be made"))?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let path = path.canonicalize().map_err(io(format!("{} cannot be used", path.display())))?;
        Ok(Self { path, temporary })
    }
}

fn region(text: &str) -> Result<String, &'static str> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match !text.is_empty() && text.len() <= 63 && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("a region's name has lower-case letters, digits and dashes"),
    }
}

fn distinct(regions: Vec<String>) -> Result<Vec<String>, Failure> {
    let mut seen = std::collections::BTreeSet::new();
    match regions.iter().find(|region| !seen.insert(region.as_str())) {
        Some(twice) => Err(Failure::usage(format!("the region {twice} is named twice"))),
        None => Ok(regions),
    }
}
