//! Networks are cut, in both directions or in one.

use super::mend::Mend;
use super::{Card, Nemesis, Outcome, Site, Trigger};
use crate::cluster::tree::Stage;

const fn card(name: &'static str, when: Trigger, hold_ms: (u64, u64), rows: &'static [&'static str]) -> Card {
    Card { name, nemesis: Nemesis::Partition, when, hold_ms, rows }
}

/// Longer than a lease.
const LONG: (u64, u64) = (1800, 2600);
const SHORT: (u64, u64) = (700, 1500);
const RUNNING: Trigger = Trigger::Attempt(Stage::Executing);
const GRANTED: Trigger = Trigger::Attempt(Stage::Granted);

pub(crate) const CARDS: &[Card] = &[
    card("partition/halves", Trigger::Now, SHORT, &[]),
    card("partition/leader-alone", Trigger::Starting, SHORT, &["P04"]),
    card("partition/leader-with-one", RUNNING, SHORT, &["P04"]),
    card("partition/leader-mute", RUNNING, SHORT, &[]),
    card("partition/leader-deaf", RUNNING, SHORT, &[]),
    card("partition/bridge", Trigger::Now, SHORT, &["P05"]),
    card("partition/ring", Trigger::Now, SHORT, &["P05"]),
    card("partition/agent-hears-nothing", RUNNING, LONG, &["P01"]),
    card("partition/agent-says-nothing", RUNNING, LONG, &["P02"]),
    card("partition/agent-says-nothing/granted", GRANTED, LONG, &["P02"]),
    card("partition/agent-alone", RUNNING, LONG, &["P03"]),
    card("partition/agent-from-leader", RUNNING, LONG, &["P03"]),
    card("partition/region", RUNNING, LONG, &["G01", "G02"]),
    card("partition/leaders-region", RUNNING, LONG, &["G03", "P04"]),
];

type Pairs = Vec<(String, String)>;

pub(crate) async fn install(site: &mut Site, card: &Card, hit: Option<String>) -> anyhow::Result<Outcome> {
    if site.cluster.network.is_none() {
        return Ok(Outcome::Skipped("the network is the machine's own: it needs namespaces".into()));
    }
    let pairs = pairs(site, card.name, hit).await?;
    let network = site.cluster.network.as_ref().expect("it was there a moment ago");
    network.cut(&pairs)?;
    site.mends.push(Mend::Connect);
    let shown: Vec<_> = pairs.iter().map(|(from, to)| format!("{from}>{to}")).collect();
    Ok(Outcome::Installed(shown.join(" ")))
}

async fn pairs(site: &mut Site, name: &str, hit: Option<String>) -> anyhow::Result<Pairs> {
    let members = site.members();
    let everyone: Vec<String> = site.cluster.nodes.iter().map(|node| node.name.clone()).collect();
    let leader = site.leader().await?;
    let others: Vec<String> = members.iter().filter(|name| **name != leader).cloned().collect();
    let leader = vec![leader];
    Ok(match name {
        "partition/halves" => {
            let majority = site.majority();
            both(&majority, &without(&members, &majority))
        }
        "partition/leader-alone" => {
            site.deposes(&leader[0]);
            both(&leader, &without(&everyone, &leader))
        }
        "partition/leader-with-one" => {
            site.deposes(&leader[0]);
            let pair = vec![leader[0].clone(), others[0].clone()];
            both(&pair, &without(&members, &pair))
        }
        "partition/leader-mute" => {
            site.deposes(&leader[0]);
            one_way(&leader, &others)
        }
        "partition/leader-deaf" => {
            site.deposes(&leader[0]);
            one_way(&others, &leader)
        }
        // Two halves that hear each other only through one in the middle.
        "partition/bridge" => both(&members[..2], &members[3..]),
        // Everyone hears only the next two.
        "partition/ring" => ring(&members),
        "partition/agent-hears-nothing" => one_way(&members, &[site.agent(hit)?]),
        "partition/agent-says-nothing" | "partition/agent-says-nothing/granted" => {
            one_way(&[site.agent(hit)?], &members)
        }
        "partition/agent-from-leader" => both(&[site.agent(hit)?], &leader),
        "partition/agent-alone" => both(&[site.agent(hit)?], &members),
        "partition/region" => {
            let agent = site.agent(hit)?;
            let inside = site.cluster.region(&site.cluster.node(&agent).region);
            both(&inside, &without(&everyone, &inside))
        }
        _ => {
            site.deposes(&leader[0]);
            let inside = site.cluster.region(&site.cluster.node(&leader[0]).region);
            both(&inside, &without(&everyone, &inside))
        }
    })
}

pub(super) fn one_way(from: &[String], to: &[String]) -> Pairs {
    from.iter().flat_map(|from| to.iter().map(move |to| (from.clone(), to.clone()))).collect()
}

fn both(here: &[String], there: &[String]) -> Pairs {
    [one_way(here, there), one_way(there, here)].concat()
}

fn ring(members: &[String]) -> Pairs {
    let count = members.len();
    let apart = |from: usize, to: usize| {
        let steps = (to + count - from) % count;
        steps > 1 && steps < count - 1
    };
    let pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
    pairs
        .filter(|(from, to)| apart(*from, *to))
        .map(|(from, to)| (members[from].clone(), members[to].clone()))
        .collect()
}

fn without(all: &[String], some: &[String]) -> Vec<String> {
    all.iter().filter(|name| !some.contains(name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_leaves_everyone_two_neighbours() {
        let members: Vec<String> = (1..=5).map(|id| format!("c{id}")).collect();
        let pairs = ring(&members);
        assert_eq!(pairs.len(), 10);
        assert!(pairs.contains(&("c1".into(), "c3".into())) && !pairs.contains(&("c1".into(), "c2".into())));
        assert!(!pairs.contains(&("c1".into(), "c5".into())));
    }
}
