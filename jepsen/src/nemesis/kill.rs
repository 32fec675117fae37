//! Everybody else is killed: followers, agents with their supervisors left alive, whole hosts, regions, majorities, all.

use super::mend::Mend;
use super::{Card, Nemesis, Outcome, Site, Trigger};
use crate::cluster::tree::Stage;

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
    for name in &names {
        let node = site.cluster.node_mut(name);
        match card.name {
            "kill/host/granted" | "kill/host/executing" | "kill/host/finished" => node.lose_host(),
            "kill/supervisor/executing" => {
                crate::cluster::tree::signal_everything_of(&node.data_dir(), rustix::process::Signal::KILL);
            }
            _ => node.kill(),
        }
        site.mends.push(Mend::Start(name.clone()));
    }
    Ok(Outcome::Installed(names.join(" ")))
}
