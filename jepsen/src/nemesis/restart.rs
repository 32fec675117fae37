//! Processes are asked to end, and started again.

use super::mend::Mend;
use super::{Card, Nemesis, Outcome, Site, Trigger};
use crate::cluster::tree::Stage;

const fn card(name: &'static str, when: Trigger) -> Card {
    Card { name, nemesis: Nemesis::Restart, when, hold_ms: (100, 600), rows: &[] }
}

pub(crate) const CARDS: &[Card] = &[
    card("restart/leader", Trigger::Attempt(Stage::Executing)),
    card("restart/follower", Trigger::Now),
    card("restart/agent", Trigger::Attempt(Stage::Executing)),
    card("restart/all", Trigger::Attempt(Stage::Executing)),
];

pub(crate) async fn install(site: &mut Site, card: &Card) -> anyhow::Result<Outcome> {
    let names = match card.name {
        "restart/leader" => {
            let leader = site.leader().await?;
            site.deposes(&leader);
            vec![leader]
        }
        "restart/follower" => vec![site.follower().await?],
        "restart/agent" => vec![site.agent(None)?],
        _ => site.cluster.nodes.iter().map(|node| node.name.clone()).collect(),
    };
    for name in &names {
        site.cluster.node_mut(name).stop();
        site.mends.push(Mend::Start(name.clone()));
    }
    Ok(Outcome::Installed(names.join(" ")))
}
