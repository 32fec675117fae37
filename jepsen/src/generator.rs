//! The plan of the faults, drawn from a seed before the test begins: which cards, in which order, two at once or one, and
//! how long each lasts. It is kept as `plan.edn`, and a replay follows it to the letter.

use serde::{Deserialize, Serialize};

use crate::edn;
use crate::nemesis::Card;

/// Faults that are there at the same time, and the quiet afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Round {
    pub(crate) cards: Vec<String>,
    pub(crate) hold_ms: u64,
    pub(crate) gap_ms: u64,
}

/// More rounds than any test has time for.
const ROUNDS: usize = 400;

/// The cards of a part of the nemeses, drawn by lot: a test with fewer kinds of faults goes deeper into each.
pub(crate) fn swarm(all: &[&'static Card], random: &mut fastrand::Rng) -> Vec<&'static Card> {
    let mut drawn: Vec<_> = all.iter().map(|card| card.nemesis).collect();
    drawn.dedup();
    random.shuffle(&mut drawn);
    drawn.truncate(random.usize(3..=drawn.len().max(3)));
    all.iter().filter(|card| drawn.contains(&card.nemesis)).copied().collect()
}

/// Deals all of these cards, again and again, each time in another order.
pub(crate) fn rounds(all: &[&'static Card], random: &mut fastrand::Rng) -> Vec<Round> {
    let mut rounds = Vec::new();
    let mut deck: Vec<&Card> = Vec::new();
    while rounds.len() < ROUNDS && !all.is_empty() {
        if deck.is_empty() {
            deck = all.to_vec();
            random.shuffle(&mut deck);
            one_of_each_last(&mut deck);
        }
        let first = deck.pop().expect("a deck that was just filled");
        let mut cards = vec![first];
        // Two kinds of trouble at once find what one does not.
        if random.u8(..5) == 0
            && let Some(at) = deck.iter().rposition(|card| card.nemesis != first.nemesis)
        {
            cards.push(deck.remove(at));
        }
        let hold = |card: &&Card| random.u64(card.hold_ms.0..=card.hold_ms.1);
        let hold_ms = cards.iter().map(hold).max().unwrap_or_default();
        let cards = cards.iter().map(|card| card.name.to_owned()).collect();
        rounds.push(Round { cards, hold_ms, gap_ms: random.u64(150..600) });
    }
    rounds
}

/// Cards are taken from the end, so that even a short test meets every nemesis.
fn one_of_each_last(deck: &mut Vec<&Card>) {
    let mut seen = Vec::new();
    let (firsts, rest): (Vec<&Card>, Vec<&Card>) = deck.drain(..).partition(|card| {
        let first = !seen.contains(&card.nemesis);
        seen.push(card.nemesis);
        first
    });
    deck.extend(rest);
    deck.extend(firsts);
}

/// `plan.edn`.
pub(crate) fn written(rounds: &[Round]) -> anyhow::Result<String> {
    let mut text = String::new();
    for round in rounds {
        text.push_str(&edn::written(&serde_json::to_value(round)?));
        text.push('\n');
    }
    Ok(text)
}

/// Reads `plan.edn`.
///
/// # Errors
/// If it is not EDN, or names no card of ours.
pub(crate) fn read(text: &str) -> anyhow::Result<Vec<Round>> {
    let rounds: Vec<Round> =
        edn::read_all(text)?.into_iter().map(serde_json::from_value).collect::<Result<_, _>>()?;
    for name in rounds.iter().flat_map(|round| &round.cards) {
        anyhow::ensure!(crate::nemesis::card(name).is_some(), "there is no fault {name}");
    }
    Ok(rounds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nemesis::{Nemesis, cards_of};

    #[test]
    fn the_same_seed_gives_the_same_plan_and_it_is_read_as_it_was_written() {
        let plan = |seed| rounds(&cards_of(&Nemesis::all()), &mut fastrand::Rng::with_seed(seed));
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
        assert_eq!(read(&written(&plan(7)).unwrap()).unwrap(), plan(7));
    }

    #[test]
    fn every_card_is_dealt_before_one_comes_again() {
        let cards: Vec<_> = cards_of(&Nemesis::all()).iter().map(|card| card.name).collect();
        let dealt: Vec<_> = rounds(&cards_of(&Nemesis::all()), &mut fastrand::Rng::with_seed(1))
            .into_iter()
            .flat_map(|round| round.cards)
            .collect();
        let first: std::collections::BTreeSet<_> = dealt[..cards.len()].iter().map(String::as_str).collect();
        assert_eq!(first, cards.iter().copied().collect());
        let nemeses: std::collections::BTreeSet<_> =
            dealt[..2 * Nemesis::all().len()].iter().map(|name| name.split('/').next()).collect();
        assert_eq!(nemeses.len(), Nemesis::all().len());
    }
}
