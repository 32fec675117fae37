//! Power fails: everybody on the machine dies at once, and its disk keeps only what was synced.

use std::time::{Duration, Instant};

use super::mend::Mend;
use super::{Card, Nemesis, Outcome, Site, Trigger};
use crate::cluster::Role;
use crate::cluster::disk::BentSyncs;
use crate::cluster::tree::Stage;
use crate::sandbox::find;

/// strace's word for syncs that take 600 ms.
const SLOWLY: &str = "delay_enter=600000";
/// So long strace takes to hold on to all threads of all coordinators.
const ATTACHED: Duration = Duration::from_millis(400);
const TOLD_WITHIN: Duration = Duration::from_secs(4);

const fn card(name: &'static str, when: Trigger, rows: &'static [&'static str]) -> Card {
    Card { name, nemesis: Nemesis::Power, when, hold_ms: (300, 1200), rows }
}

pub(crate) const CARDS: &[Card] = &[
    card("power/leader", Trigger::Starting, &["M01", "M02"]),
    card("power/follower", Trigger::Now, &[]),
    card("power/majority", Trigger::Starting, &["G04"]),
    card("power/coordinators", Trigger::Starting, &["C03"]),
    card("power/agent/granted", Trigger::Attempt(Stage::Granted), &["A02"]),
    card("power/coordinators/slow-sync", Trigger::Now, &["C03"]),
    card("power/agent/applied", Trigger::Applied, &["A05"]),
    card("power/agent/executing", Trigger::Attempt(Stage::Executing), &["A05"]),
    card("power/agent/finished", Trigger::Attempt(Stage::Finished), &["A06"]),
    card("power/all", Trigger::Attempt(Stage::Executing), &["C03", "A05"]),
];

pub(crate) async fn install(site: &mut Site, card: &Card, hit: Option<String>) -> anyhow::Result<Outcome> {
    if site.cluster.nodes.iter().any(|node| node.disk.is_none()) {
        return Ok(Outcome::Skipped("the disks are the machine's own: it needs namespaces".into()));
    }
    let mut bent = Vec::new();
    let names = match card.name {
        "power/leader" => {
            let leader = site.leader().await?;
            site.deposes(&leader);
            vec![leader]
        }
        "power/follower" => vec![site.follower().await?],
        "power/majority" => site.majority(),
        "power/coordinators" => site.members(),
        "power/coordinators/slow-sync" => {
            if find("strace").is_none() {
                return Ok(Outcome::Skipped("strace is not installed".into()));
            }
            bent = slow_syncs(site).await?;
            site.members()
        }
        "power/all" => site.cluster.nodes.iter().map(|node| node.name.clone()).collect(),
        _ => vec![site.agent(hit)?],
    };
    // Nobody acts any more before the first one dies: the power fails for all of them at once.
    for name in &names {
        site.cluster.node(name).freeze();
    }
    drop(bent);
    for name in &names {
        let node = site.cluster.node_mut(name);
        match node.role {
            Role::Agent => drop(node.lose_host()),
            Role::Member(_) => node.kill(),
        }
        if let Some(disk) = &node.disk {
            disk.cut_power()?;
        }
        site.mends.push(Mend::Power(name.clone()));
    }
    Ok(Outcome::Installed(names.join(" ")))
}

/// All coordinators' syncs take long, and somebody has just been told that something is done: whatever was said without a
/// sync is not on any disk yet.
async fn slow_syncs(site: &Site) -> anyhow::Result<Vec<BentSyncs>> {
    let mut bent = Vec::new();
    for node in site.cluster.members() {
        let log = site.logs.join(format!("strace-{}.log", node.name));
        if let Some(pid) = node.pid() {
            bent.push(BentSyncs::of(pid, SLOWLY, &log)?);
        }
    }
    tokio::time::sleep(ATTACHED).await;
    let (before, deadline) = (site.recorder.done(), Instant::now() + TOLD_WITHIN);
    while site.recorder.done() == before && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(bent)
}
