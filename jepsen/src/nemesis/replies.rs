//! Answers are lost on their way: whoever asks is heard, its connection stands, and nothing comes back.

use std::time::{Duration, Instant};

use super::mend::Mend;
use super::{Card, Nemesis, Outcome, Site, Trigger};
use crate::cluster::tree::Stage;

/// What is said of an agent that hears nothing and is taken for alive.
pub(crate) const COUNTS_AS_ALIVE: &str = "hears nothing and counts as alive";

const fn card(name: &'static str, when: Trigger, hold_ms: (u64, u64), rows: &'static [&'static str]) -> Card {
    Card { name, nemesis: Nemesis::Replies, when, hold_ms, rows }
}

const SHORT: (u64, u64) = (500, 1500);
/// Longer than a lease.
const LONG: (u64, u64) = (2200, 2800);

pub(crate) const CARDS: &[Card] = &[
    card("replies/leader-to-clients", Trigger::Starting, SHORT, &["M01"]),
    card("replies/leader-to-agent/granted", Trigger::Attempt(Stage::Granted), LONG, &["M05", "P01"]),
    card("replies/leader-to-agent/finished", Trigger::Attempt(Stage::Finished), LONG, &["M07"]),
    card("replies/followers-to-leader", Trigger::Starting, SHORT, &["P05"]),
    card("replies/agent-unheard", Trigger::Attempt(Stage::Executing), (0, 500), &["P01"]),
];

/// Twice as long as an agent may live on what it was promised last, on a machine that does other things as well.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(9);

pub(crate) async fn install(site: &mut Site, card: &Card, hit: Option<String>) -> anyhow::Result<Outcome> {
    if site.cluster.network.is_none() {
        return Ok(Outcome::Skipped("the network is the machine's own: it needs namespaces".into()));
    }
    let leader = site.leader().await?;
    let members = site.members();
    let (from, to) = match card.name {
        "replies/leader-to-clients" => (vec![leader], Vec::new()),
        "replies/followers-to-leader" => {
            (members.into_iter().filter(|name| *name != leader).collect(), vec![leader])
        }
        "replies/agent-unheard" => (members, vec![site.agent(hit)?]),
        _ => (vec![leader], vec![site.agent(hit)?]),
    };
    let network = site.cluster.network.as_ref().expect("it was there a moment ago");
    site.mends.push(Mend::Connect);
    if to.is_empty() {
        network.mute_to_clients(&from)?;
        return Ok(Outcome::Installed(format!("{}>clients", from.join(" "))));
    }
    let pairs = super::partition::one_way(&from, &to);
    network.mute(&pairs)?;
    if card.name == "replies/agent-unheard" {
        return given_up(site, &to[0]).await;
    }
    Ok(Outcome::Installed(format!("{}>{}", from.join(" "), to.join(" "))))
}

/// Waits until the leader gives up an agent that hears nobody, however much it says.
async fn given_up(site: &Site, agent: &str) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let mut asked = 0;
    while began.elapsed() < GIVEN_UP_WITHIN {
        if let Ok(status) = site.client.cluster_status().await {
            asked += 1;
            let seen = status.agents.iter().find(|one| one.name == agent);
            if seen.is_none_or(|one| one.status != "live") {
                let ms = began.elapsed().as_millis();
                return Ok(Outcome::Installed(format!("{agent} was given up after {ms} ms")));
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(match asked {
        0 => Outcome::Indeterminate("the cluster could not be asked".into()),
        _ => Outcome::Installed(format!("{agent} {COUNTS_AS_ALIVE}")),
    })
}
