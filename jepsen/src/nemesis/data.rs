//! Data that is lost or damaged: a member that comes back with an empty folder under its old id, one with a flipped byte,
//! an agent without its journal.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use baton_client::{Client, Filter};

use super::mend::Mend;
use super::{Card, Nemesis, Outcome, Site, Trigger};
use crate::cluster::tree::Stage;

/// What is said of a member that was let in without its data.
pub(crate) const TAKES_PART: &str = "takes part without its data";

/// What is said of a copy of an agent that may work beside it.
pub(crate) const LET_IN: &str = "was let in beside it";
/// What the copy's log says when it is not.
const REFUSED: &str = "the leader refuses this agent";
/// And when a leader has greeted it, which comes before either.
const WELCOMED: &str = "connected";

const fn card(name: &'static str, when: Trigger, rows: &'static [&'static str]) -> Card {
    Card { name, nemesis: Nemesis::Data, when, hold_ms: (1200, 2000), rows }
}

pub(crate) const CARDS: &[Card] = &[
    card("data/wipe/follower", Trigger::Now, &["C01"]),
    card("data/flip/follower", Trigger::Now, &["C02"]),
    card("data/clone/agent", Trigger::Attempt(Stage::Executing), &["A09"]),
    card("data/wipe/agent", Trigger::Attempt(Stage::Executing), &["A08"]),
];

pub(crate) async fn install(site: &mut Site, card: &Card, hit: Option<String>) -> anyhow::Result<Outcome> {
    match card.name {
        "data/wipe/follower" => wipe_member(site).await,
        "data/flip/follower" => flip_member(site).await,
        "data/clone/agent" => clone_agent(site, hit).await,
        _ => wipe_agent(site, hit),
    }
}

/// It must not be let in; its own data come back afterwards, which is right only because it did nothing meanwhile.
async fn wipe_member(site: &mut Site) -> anyhow::Result<Outcome> {
    let name = site.follower().await?;
    let node = site.cluster.node_mut(&name);
    node.kill();
    let aside = node.data_dir().with_file_name("aside");
    fs::rename(node.data_dir(), &aside)?;
    node.start()?;
    site.mends.push(Mend::Data { name: name.clone(), aside });
    let alone = Client::connect(&[site.cluster.node(&name).address.clone()])?
        .with_deadline(Duration::from_millis(500));
    let deadline = Instant::now() + Duration::from_secs(10);
    while site.cluster.node_mut(&name).is_running() {
        // It knows runs only when it has been given the cluster's log.
        if alone.list_runs(&Filter::default(), true).await.is_ok_and(|page| !page.runs.is_empty()) {
            return Ok(Outcome::Installed(format!("{name} {TAKES_PART}")));
        }
        if Instant::now() > deadline {
            return Ok(Outcome::Installed(format!("{name} runs on without its data")));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(Outcome::Installed(format!("{name} refused to start without its data")))
}

async fn flip_member(site: &mut Site) -> anyhow::Result<Outcome> {
    let name = site.follower().await?;
    site.cluster.node_mut(&name).kill();
    let data = site.cluster.node(&name).data_dir();
    let files = files(&data)?;
    let file = site.random.choice(files).context("it has no data")?;
    let at = site.random.u64(..fs::metadata(&file)?.len());
    flip(&file, at)?;
    site.mends.push(Mend::Byte { name: name.clone(), file: file.clone(), at });
    site.cluster.node_mut(&name).start()?;
    let place = file.strip_prefix(&data).unwrap_or(&file).display().to_string();
    Ok(Outcome::Installed(format!("{name}: byte {at} of {place}")))
}

/// Files that hold something. The room that is kept aside holds nothing.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else if entry.metadata()?.len() > 0 && entry.file_name() != "ballast" {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Turns all bits of one byte, where it is still there.
pub(crate) fn flip(file: &Path, at: u64) -> anyhow::Result<()> {
    let Ok(open) = File::options().read(true).write(true).open(file) else { return Ok(()) };
    let mut byte = [0];
    if open.read_at(&mut byte, at)? == 1 {
        open.write_all_at(&[!byte[0]], at)?;
        open.sync_all()?;
    }
    Ok(())
}

/// Its supervisors go on, and nobody knows them: the next agent must end them before anything is repeated.
fn wipe_agent(site: &mut Site, hit: Option<String>) -> anyhow::Result<Outcome> {
    let name = site.agent(hit)?;
    let node = site.cluster.node_mut(&name);
    node.kill();
    fs::remove_file(node.data_dir().join("journal"))?;
    node.start()?;
    site.mends.push(Mend::Start(name.clone()));
    Ok(Outcome::Installed(format!("{name} without its journal")))
}

/// Somebody copies the agent's folder while it works, and starts the copy beside it.
async fn clone_agent(site: &mut Site, hit: Option<String>) -> anyhow::Result<Outcome> {
    let name = site.agent(hit)?;
    let mut copy = site.cluster.node(&name).copy()?;
    copy.start()?;
    let deadline = Instant::now() + Duration::from_secs(10);
    let log = copy.log.clone();
    let says = |text: &str| fs::read_to_string(&log).is_ok_and(|said| said.contains(text));
    while !says(REFUSED) && copy.is_running() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let became = match (says(REFUSED), says(WELCOMED)) {
        (true, _) => Some("was refused"),
        (false, true) => Some(LET_IN),
        (false, false) => None,
    };
    copy.end();
    Ok(match became {
        Some(became) => Outcome::Installed(format!("the copy of {name} {became}")),
        None => Outcome::Indeterminate(format!("nobody answered the copy of {name}")),
    })
}
