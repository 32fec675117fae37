//! Power fails: everybody on the machine dies at once, and its disk keeps only what was synced.

use super::mend::Mend;
use super::{Card, Nemesis, Outcome, Site, Trigger};
use crate::cluster::Role;
use crate::cluster::tree::Stage;

const fn card(name: &'static str, when: Trigger, rows: &'static [&'static str]) -> Card {
    Card { name, nemesis: Nemesis::Power, when, hold_ms: (300, 1200), rows }
}

pub(crate) const CARDS: &[Card] = &[
    card("power/leader", Trigger::Starting, &["M01", "M02"]),
    card("power/follower", Trigger::Now, &[]),
    card("power/majority", Trigger::Starting, &["G04"]),
    card("power/coordinators", Trigger::Starting, &["C03"]),
    card("power/agent/granted", Trigger::Attempt(Stage::Granted), &["A02"]),
    card("power/agent/executing", Trigger::Attempt(Stage::Executing), &["A05"]),
    card("power/agent/finished", Trigger::Attempt(Stage::Finished), &["A06"]),
    card("power/all", Trigger::Attempt(Stage::Executing), &["C03", "A05"]),
];

pub(crate) async fn install(site: &mut Site, card: &Card, hit: Option<String>) -> anyhow::Result<Outcome> {
    if site.cluster.nodes.iter().any(|node| node.disk.is_none()) {
        return Ok(Outcome::Skipped("the disks are the machine's own: it needs namespaces".into()));
    }
    let names = match card.name {
        "power/leader" => {
            let leader = site.leader().await?;
            site.deposes(&leader);
            vec![leader]
        }
        "power/follower" => vec![site.follower().await?],
        "power/majority" => site.majority(),
        "power/coordinators" => site.members(),
        "power/all" => site.cluster.nodes.iter().map(|node| node.name.clone()).collect(),
        _ => vec![site.agent(hit)?],
    };
    // Nobody acts any more before the first one dies: the power fails for all of them at once.
    for name in &names {
        site.cluster.node(name).freeze();
    }
    for name in &names {
        let node = site.cluster.node_mut(name);
        match node.role {
            Role::Agent => node.lose_host(),
            Role::Member(_) => node.kill(),
        }
        if let Some(disk) = &node.disk {
            disk.cut_power()?;
        }
        site.mends.push(Mend::Power(name.clone()));
    }
    Ok(Outcome::Installed(names.join(" ")))
}
