//! A full disk, syncs that are slow, syncs that fail.

use super::mend::Mend;
use super::{Card, Nemesis, Outcome, Site, Trigger};
use crate::cluster::disk::BentSyncs;
use crate::sandbox::find;

const fn card(name: &'static str, rows: &'static [&'static str]) -> Card {
    Card { name, nemesis: Nemesis::Disk, when: Trigger::Starting, hold_ms: (1200, 2200), rows }
}

pub(crate) const CARDS: &[Card] = &[
    card("disk/full/leader", &["C04"]),
    card("disk/full/follower", &["C04"]),
    card("disk/full/majority", &["C04"]),
    card("disk/slow-sync/leader", &["P05"]),
    card("disk/failing-sync/leader", &["C05"]),
    card("disk/failing-sync/follower", &["C05"]),
];

pub(crate) async fn install(site: &mut Site, card: &Card) -> anyhow::Result<Outcome> {
    let names = match card.name.rsplit('/').next() {
        Some("leader") => vec![site.leader().await?],
        Some("follower") => vec![site.follower().await?],
        _ => site.majority(),
    };
    for name in &names {
        let installed = match card.name {
            "disk/slow-sync/leader" => bend(site, name, "delay_enter=150000")?,
            "disk/failing-sync/leader" | "disk/failing-sync/follower" => {
                bend(site, name, "error=EIO:when=1")?
            }
            _ => fill(site, name)?,
        };
        if let Some(why) = installed {
            return Ok(Outcome::Skipped(why));
        }
    }
    Ok(Outcome::Installed(names.join(" ")))
}

fn fill(site: &mut Site, name: &str) -> anyhow::Result<Option<String>> {
    let Some(disk) = &site.cluster.node(name).disk else {
        return Ok(Some("the disks are the machine's own: it needs namespaces".into()));
    };
    site.mends.push(Mend::Room(name.to_owned()));
    disk.fill()?;
    Ok(None)
}

fn bend(site: &mut Site, name: &str, how: &str) -> anyhow::Result<Option<String>> {
    if find("strace").is_none() {
        return Ok(Some("strace is not installed".into()));
    }
    let Some(pid) = site.cluster.node(name).pid() else {
        return Ok(Some(format!("{name} does not run")));
    };
    let bent = BentSyncs::of(pid, how, &site.logs.join(format!("strace-{name}.log")))?;
    site.mends.push(Mend::Syncs(name.to_owned(), bent));
    Ok(None)
}
