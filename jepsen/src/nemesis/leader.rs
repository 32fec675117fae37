//! The leader is killed, each time in another state of what it leads.

use super::mend::Mend;
use super::{Card, Nemesis, Outcome, Site, Trigger};
use crate::cluster::tree::Stage;

const fn card(name: &'static str, when: Trigger, rows: &'static [&'static str]) -> Card {
    Card { name, nemesis: Nemesis::Leader, when, hold_ms: (300, 900), rows }
}

pub(crate) const CARDS: &[Card] = &[
    // Whether the entry was committed or not when it died is left to chance, and to the number of kills.
    card("leader/starting", Trigger::Starting, &["M01", "M02", "M03"]),
    card("leader/granted", Trigger::Attempt(Stage::Granted), &["M03", "M04", "M05"]),
    card("leader/executing", Trigger::Attempt(Stage::Executing), &["M04"]),
    card("leader/finished", Trigger::Attempt(Stage::Finished), &["M06", "M07"]),
];

pub(crate) async fn install(site: &mut Site) -> anyhow::Result<Outcome> {
    let leader = site.leader().await?;
    site.deposes(&leader);
    site.cluster.node_mut(&leader).kill();
    site.mends.push(Mend::Start(leader.clone()));
    Ok(Outcome::Installed(leader))
}
