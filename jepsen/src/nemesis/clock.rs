//! Wall clocks jump by an hour; the monotonic one is left alone, as it is where people set clocks.

use super::mend::Mend;
use super::{Card, Nemesis, Outcome, Site, Trigger};
use crate::cluster::tree::Stage;

const fn card(name: &'static str) -> Card {
    let when = Trigger::Attempt(Stage::Executing);
    Card { name, nemesis: Nemesis::Clock, when, hold_ms: (800, 1600), rows: &["T01"] }
}

pub(crate) const CARDS: &[Card] = &[
    card("clock/leader/ahead"),
    card("clock/leader/back"),
    card("clock/agent/ahead"),
    card("clock/agent/back"),
    card("clock/all/ahead"),
];

pub(crate) async fn install(site: &mut Site, card: &Card) -> anyhow::Result<Outcome> {
    let offset = if card.name.ends_with("ahead") { "+3600" } else { "-3600" };
    let names = match card.name.split('/').nth(1) {
        Some("leader") => vec![site.leader().await?],
        Some("agent") => vec![site.agent(None)?],
        _ => site.cluster.nodes.iter().map(|node| node.name.clone()).collect(),
    };
    for name in &names {
        if !site.cluster.node(name).set_clock(offset)? {
            return Ok(Outcome::Skipped("libfaketime is not installed".into()));
        }
        site.mends.push(Mend::Clock(name.clone()));
    }
    Ok(Outcome::Installed(format!("{} {offset}", names.join(" "))))
}
