//! Regions are far from each other for a while: every packet between them takes its time.

use super::mend::Mend;
use super::{Card, Nemesis, Outcome, Site, Trigger};
use crate::cluster::latency::Distance;
use crate::cluster::tree::Stage;

const fn card(name: &'static str, when: Trigger) -> Card {
    Card { name, nemesis: Nemesis::Latency, when, hold_ms: (1500, 3000), rows: &["P05"] }
}

pub(crate) const CARDS: &[Card] = &[
    card("latency/20ms", Trigger::Starting),
    card("latency/80ms", Trigger::Starting),
    card("latency/200ms", Trigger::Attempt(Stage::Executing)),
    card("latency/jitter", Trigger::Attempt(Stage::Granted)),
];

pub(crate) async fn install(site: &mut Site, card: &Card) -> anyhow::Result<Outcome> {
    let distance = |round_trip_ms, jitter_ms| Distance { round_trip_ms, jitter_ms };
    let distance = match card.name {
        "latency/20ms" => distance(20, 0),
        "latency/80ms" => distance(80, 0),
        "latency/200ms" => distance(200, 0),
        _ => distance(20, 160),
    };
    if let Some(why) = site.cluster.is_at(distance)? {
        return Ok(Outcome::Skipped(why));
    }
    site.mends.push(Mend::Connect);
    Ok(Outcome::Installed(format!(
        "{} to {} ms",
        distance.round_trip_ms,
        distance.round_trip_ms + distance.jitter_ms
    )))
}
