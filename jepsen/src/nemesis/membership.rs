//! The leadership moves, and members are replaced, under fire.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::{Card, Nemesis, Outcome, Site, Trigger};
use crate::cluster::Role;

const fn card(name: &'static str, rows: &'static [&'static str]) -> Card {
    Card { name, nemesis: Nemesis::Membership, when: Trigger::Starting, hold_ms: (300, 900), rows }
}

pub(crate) const CARDS: &[Card] =
    &[card("membership/transfer-leader", &[]), card("membership/replace/follower", &["C01"])];

/// A new member has to read the log before it can be promoted.
const WITHIN: Duration = Duration::from_secs(15);

pub(crate) async fn install(site: &mut Site, card: &Card) -> anyhow::Result<Outcome> {
    match card.name {
        "membership/transfer-leader" => {
            operate(site, &["transfer-leader"])?;
            Ok(Outcome::Installed("the leadership".into()))
        }
        _ => replace(site).await,
    }
}

/// A follower is removed and loses its data; its machine comes back with an empty folder and a new id.
async fn replace(site: &mut Site) -> anyhow::Result<Outcome> {
    let name = site.follower().await?;
    let leader = site.leader().await?;
    let join = site.cluster.node(&leader).address.clone();
    let Role::Member(old) = site.cluster.node(&name).role else { unreachable!("a follower is a member") };
    operate(site, &["remove", &old.to_string()])?;
    let node = site.cluster.node_mut(&name);
    node.kill();
    std::fs::remove_dir_all(node.data_dir())?;
    let new = take_in(site, &name, &join).await?;
    Ok(Outcome::Installed(format!("{name}: member {old} was replaced by {new}")))
}

/// A machine without data starts under a new id, and becomes a member of the cluster of the one at `join`. Gives back the id.
pub(super) async fn take_in(site: &mut Site, name: &str, join: &str) -> anyhow::Result<u64> {
    let members = site.members().len() as u64;
    let node = site.cluster.node_mut(name);
    let Role::Member(old) = node.role else { unreachable!("it is a member") };
    let new = old + members;
    node.join_as(new, join);
    let (region, address) = (node.region.clone(), node.address.clone());
    node.start()?;
    let id = new.to_string();
    operate_at_last(site, &["add", "--id", &id, "--region", &region, "--address", &address]).await?;
    operate_at_last(site, &["promote", &id]).await?;
    Ok(new)
}

/// Repeats what is refused while the new member is not there, or too far behind.
pub(super) async fn operate_at_last(site: &Site, arguments: &[&str]) -> anyhow::Result<()> {
    let deadline = Instant::now() + WITHIN;
    loop {
        match operate(site, arguments) {
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            Ok(()) => return Ok(()),
        }
    }
}

pub(super) fn operate(site: &Site, arguments: &[&str]) -> anyhow::Result<()> {
    let servers = site.cluster.servers().join(",");
    baton(&site.binary, &[arguments, &["--servers", &servers]].concat())
}

/// `baton cluster …`
pub(super) fn baton(binary: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(binary).arg("cluster").args(arguments).stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    ensure!(output.status.success(), "`cluster {}`: {said}", arguments.join(" "));
    Ok(())
}
