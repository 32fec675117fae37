//! `baton demo`: a failover that survives its own leader, played with real processes on this
//! machine, and the proof that nothing was repeated, counted at the target.
//!
//! `stage` is the world that is moved (a shop, its orders, its credentials), `story` plays the run
//! and kills the leader, `proof` counts the effects, and `voice` tells it all to a person.

mod proof;
pub(crate) mod shop;
mod stage;
mod story;
mod voice;

use std::path::PathBuf;

use anyhow::Context;

use crate::commands::asked_to_end;
use crate::failure::{Exit, Failure};
use crate::local::{Cluster, Layout};
use stage::Stage;
use voice::Voice;

/// The plan that is played unless another is named.
const PLAN: &str = include_str!("../../../../cluster/local/failover.yaml");

/// What can be asked of the demo.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Play this plan instead of cluster/local/failover.yaml
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// Keep everything in this folder, which must be empty or absent
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Leave the folder of the demo behind, to look at
    #[arg(long)]
    pub(crate) keep: bool,
}

/// Plays the demo. True when the proof holds.
pub(crate) async fn run(options: Options) -> Result<bool, Failure> {
    let plan = match &options.plan {
        None => PLAN.to_owned(),
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the plan {}", file.display()))?,
    };
    let (folder, temporary) = folder(&options)?;
    let voice = Voice::new();
    // Whoever breaks it off leaves nothing behind: what was started is ended as `play` is dropped.
    let holds = tokio::select! {
        holds = play(&plan, &folder, &voice) => holds,
        () = asked_to_end() => Err(Failure::new(Exit::Interrupted, "the demonstration was broken off, and everyone in it ended")),
    };
    let interesting = match &holds {
        Ok(holds) => !holds,
        Err(failure) => failure.exit != Exit::Interrupted,
    };
    let kept = options.keep || options.dir.is_some() || interesting;
    match temporary {
        Some(temporary) if kept => voice.note(&format!("everything is in {}", temporary.keep().display())),
        Some(_) => {}
        None => voice.note(&format!("everything is in {}", folder.display())),
    }
    holds
}

async fn play(plan: &str, folder: &std::path::Path, voice: &Voice) -> Result<bool, Failure> {
    voice.title("Three regions on this machine, and a shop that has to move");
    voice.note("the plan is cluster/local/failover.yaml; change it and play it with --plan FILE");
    let stage = Stage::set(folder)?;
    voice.tell(&format!(
        "the shop is open in {}, on port {}; {} orders stand in its file",
        stage.from, stage.from_port, stage.orders
    ));
    let layout = Layout {
        dir: folder.join("cluster"),
        regions: ["east", "west", "north"].map(String::from).to_vec(),
        agents_per_region: 1,
    };
    voice.tell("starting three coordinators and three agents, one of each in a region");
    let mut cluster = Cluster::start(layout).await?;
    let played = story::play(&mut cluster, &stage, plan, voice).await;
    let holds = played.and_then(|told| proof::prove(&stage, &told, voice));
    cluster.stop().await;
    Ok(holds?)
}

/// Where the demo plays: a folder that it makes itself, or one that the user names.
fn folder(options: &Options) -> anyhow::Result<(PathBuf, Option<tempfile::TempDir>)> {
    if let Some(folder) = &options.dir {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let empty = std::fs::read_dir(folder)?.next().is_none();
        anyhow::ensure!(empty, "{} is not empty; name another folder", folder.display());
        return Ok((folder.canonicalize()?, None));
    }
    let temporary = tempfile::Builder::new().prefix("baton-demo-").tempdir()?;
    Ok((temporary.path().canonicalize()?, Some(temporary)))
}
