//! Everybody else is killed: followers, agents with their supervisors left alive, whole hosts, regions, majorities, all.

use rustix::process::Signal;

use super::mend::Mend;
use super::{Card, Nemesis, Outcome, Site, Trigger};
use crate::cluster::stranger::Stranger;
use crate::cluster::tree::{Stage, signal_everything_of};

const fn card(name: &'static str, when: Trigger, rows: &'static [&'static str]) -> Card {
    Card { name, nemesis: Nemesis::Kill, when, hold_ms: (400, 1200), rows }
}

pub(crate) const CARDS: &[Card] = &[
    card("kill/follower", Trigger::Now, &[]),
    card("kill/agent/granted", Trigger::Attempt(Stage::Granted), &["A01", "A02"]),
    card("kill/agent/executing", Trigger::Attempt(Stage::Executing), &["A03", "A04"]),
    card("kill/agent/finished", Trigger::Attempt(Stage::Finished), &["A06", "A07"]),
    card("kill/supervisor/executing", Trigger::Attempt(Stage::Executing), &["A05"]),
    card("kill/host/granted", Trigger::Attempt(Stage::Granted), &["A02", "A03"]),
    card("kill/host/executing", Trigger::Attempt(Stage::Executing), &["A05"]),
    card("kill/host/finished", Trigger::Attempt(Stage::Finished), &["A06", "A07"]),
    card("kill/host/pids-reused", Trigger::Attempt(Stage::Executing), &["A05", "A10"]),
    card("kill/leaders-region", Trigger::Attempt(Stage::Executing), &["G03"]),
    card("kill/majority", Trigger::Now, &["G04"]),
    card("kill/coordinators", Trigger::Starting, &["G04"]),
    card("kill/all", Trigger::Attempt(Stage::Executing), &["A04", "G04"]),
];

pub(crate) async fn install(site: &mut Site, card: &Card, hit: Option<String>) -> anyhow::Result<Outcome> {
    let names = match card.name {
        "kill/follower" => vec![site.follower().await?],
        "kill/majority" => site.majority(),
        "kill/coordinators" => site.members(),
        "kill/all" => site.cluster.nodes.iter().map(|node| node.name.clone()).collect(),
        "kill/leaders-region" => {
            let leader = site.leader().await?;
            site.deposes(&leader);
            site.cluster.region(&site.cluster.node(&leader).region)
        }
        _ => vec![site.agent(hit)?],
    };
    if card.name == "kill/host/pids-reused" {
        return reuse_pids(site, names).await;
    }
    for name in &names {
        let node = site.cluster.node_mut(name);
        match card.name {
            "kill/host/granted" | "kill/host/executing" | "kill/host/finished" => drop(node.lose_host()),
            "kill/supervisor/executing" => drop(signal_everything_of(&node.data_dir(), Signal::KILL)),
            _ => node.kill(),
        }
        site.mends.push(Mend::Start(name.clone()));
    }
    Ok(Outcome::Installed(names.join(" ")))
}

/// A host dies, and before its agent is back strangers have the numbers of its supervisors and steps.
async fn reuse_pids(site: &mut Site, names: Vec<String>) -> anyhow::Result<Outcome> {
    let mut numbers = Vec::new();
    for name in &names {
        numbers.extend(site.cluster.node_mut(name).lose_host());
        site.mends.push(Mend::Start(name.clone()));
    }
    let mut placed = Vec::new();
    for number in numbers {
        match Stranger::with(number).await {
            Ok(stranger) => placed.push(stranger),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Ok(Outcome::Skipped(format!("a process cannot be given a number: {error}")));
            }
            // Somebody else was quicker, which is as good.
            Err(_) => {}
        }
    }
    if placed.is_empty() {
        return Ok(Outcome::Indeterminate(format!("{}: nobody to take the place of", names.join(" "))));
    }
    let detail = format!("{}, and {} strangers", names.join(" "), placed.len());
    site.strangers.extend(placed);
    Ok(Outcome::Installed(detail))
}
