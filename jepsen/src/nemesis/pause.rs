//! Processes are frozen for longer than every lease and election timeout, and go on as if nothing had been.

use rustix::process::Signal;

use super::mend::Mend;
use super::{Card, Nemesis, Outcome, Site, Trigger};
use crate::cluster::tree::{Stage, signal_everything_of};

const fn card(name: &'static str, when: Trigger, rows: &'static [&'static str]) -> Card {
    // The lease is 1.5 s, the longest election timeout 0.4 s.
    Card { name, nemesis: Nemesis::Pause, when, hold_ms: (1900, 2800), rows }
}

pub(crate) const CARDS: &[Card] = &[
    card("pause/leader", Trigger::Starting, &["Z05"]),
    card("pause/leader/granted", Trigger::Attempt(Stage::Granted), &["Z05"]),
    card("pause/follower", Trigger::Now, &[]),
    card("pause/majority", Trigger::Starting, &["G04"]),
    card("pause/agent/granted", Trigger::Attempt(Stage::Granted), &["Z01"]),
    card("pause/agent/executing", Trigger::Attempt(Stage::Executing), &["Z03"]),
    card("pause/supervisor/executing", Trigger::Attempt(Stage::Executing), &["Z02"]),
    card("pause/host/granted", Trigger::Attempt(Stage::Granted), &["Z02"]),
    card("pause/host/executing", Trigger::Attempt(Stage::Executing), &["Z04"]),
    Card {
        when: Trigger::Unapplied,
        hold_ms: (3600, 4600),
        ..card("pause/host/unapplied", Trigger::Now, &["Z04"])
    },
    card("pause/all", Trigger::Attempt(Stage::Executing), &["Z04", "Z05"]),
];

pub(crate) async fn install(site: &mut Site, card: &Card, hit: Option<String>) -> anyhow::Result<Outcome> {
    let names = match card.name {
        "pause/leader" | "pause/leader/granted" => {
            let leader = site.leader().await?;
            site.deposes(&leader);
            vec![leader]
        }
        "pause/follower" => vec![site.follower().await?],
        "pause/majority" => site.majority(),
        "pause/all" => site.cluster.nodes.iter().map(|node| node.name.clone()).collect(),
        _ => vec![site.agent(hit)?],
    };
    for name in &names {
        let node = site.cluster.node(name);
        match card.name {
            "pause/agent/granted" | "pause/agent/executing" => node.signal(Signal::STOP),
            "pause/supervisor/executing" => drop(signal_everything_of(&node.data_dir(), Signal::STOP)),
            _ => node.freeze(),
        }
        site.mends.push(Mend::Thaw(name.clone()));
    }
    Ok(Outcome::Installed(names.join(" ")))
}
