//! What goes wrong: one file a nemesis. Each has cards; a card is one fault at one target, at a moment that is either
//! any or a state of the system ("begun, and not ended"), and names the rows of `semantics.md`'s matrix that it puts
//! to the test. What was installed is taken back by [`mend`].

mod clock;
mod data;
mod disk;
mod kill;
mod latency;
mod leader;
mod membership;
mod mend;
mod partition;
mod pause;
mod power;
mod replies;
mod restart;
mod restore;
mod site;
mod trigger;

pub(crate) use data::{LET_IN, TAKES_PART};
pub(crate) use mend::mend;
pub(crate) use replies::COUNTS_AS_ALIVE;
pub(crate) use site::{Outcome, Site};
pub(crate) use trigger::{Trigger, until};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Nemesis {
    /// SIGKILL of the leader, each time in another state
    Leader,
    /// SIGKILL of followers, agents, supervisors, hosts, regions, majorities and all
    Kill,
    /// SIGSTOP and SIGCONT beyond every lease and election timeout
    Pause,
    /// A clean stop and a start
    Restart,
    /// Networks cut in halves, one way, around the leader, around an agent, around a region
    Partition,
    /// What is said is heard, and no answer comes back
    Replies,
    /// Every packet between regions takes its time
    Latency,
    /// Power loss: what was not synced is gone
    Power,
    /// A full disk, slow syncs, failing syncs
    Disk,
    /// Wall clocks that jump
    Clock,
    /// A member's data wiped, a byte of it flipped, an agent's journal lost
    Data,
    /// Members added, removed and promoted, and the leadership moved
    Membership,
    /// All coordinators lost, and the cluster restored from a backup; only where it is asked for by name
    Restore,
}

/// One fault at one target at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Card {
    /// Nemesis, target and variant: `kill/agent/executing`.
    pub(crate) name: &'static str,
    pub(crate) nemesis: Nemesis,
    /// When it fires.
    pub(crate) when: Trigger,
    /// How long it lasts, from and to.
    pub(crate) hold_ms: (u64, u64),
    /// The rows that it puts to the test.
    pub(crate) rows: &'static [&'static str],
}

impl Nemesis {
    /// All of them.
    pub(crate) const EVERY: [Nemesis; 13] = [
        Self::Leader,
        Self::Kill,
        Self::Pause,
        Self::Restart,
        Self::Partition,
        Self::Replies,
        Self::Latency,
        Self::Power,
        Self::Disk,
        Self::Clock,
        Self::Data,
        Self::Membership,
        Self::Restore,
    ];

    /// Those that are meant by `all`: after a restore less can be judged, for what was acknowledged last may be lost.
    pub(crate) fn all() -> Vec<Nemesis> {
        Self::EVERY.into_iter().filter(|nemesis| *nemesis != Self::Restore).collect()
    }

    /// Its word on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Restart => "restart",
            Self::Partition => "partition",
            Self::Replies => "replies",
            Self::Latency => "latency",
            Self::Power => "power",
            Self::Disk => "disk",
            Self::Clock => "clock",
            Self::Data => "data",
            Self::Membership => "membership",
            Self::Restore => "restore",
        }
    }

    /// Its faults.
    pub(crate) fn cards(self) -> &'static [Card] {
        match self {
            Self::Leader => leader::CARDS,
            Self::Kill => kill::CARDS,
            Self::Pause => pause::CARDS,
            Self::Restart => restart::CARDS,
            Self::Partition => partition::CARDS,
            Self::Replies => replies::CARDS,
            Self::Latency => latency::CARDS,
            Self::Power => power::CARDS,
            Self::Disk => disk::CARDS,
            Self::Clock => clock::CARDS,
            Self::Data => data::CARDS,
            Self::Membership => membership::CARDS,
            Self::Restore => restore::CARDS,
        }
    }
}

/// All cards of some nemeses.
pub(crate) fn cards_of(nemeses: &[Nemesis]) -> Vec<&'static Card> {
    nemeses.iter().flat_map(|nemesis| nemesis.cards()).collect()
}

/// The cards of a name: a nemesis, a card, or what some cards have in common (`power/agent`).
pub(crate) fn cards_below(name: &str) -> Vec<&'static Card> {
    let below = |card: &&Card| {
        card.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    cards_of(&Nemesis::EVERY).into_iter().filter(below).collect()
}

/// Their nemeses' names, each once.
pub(crate) fn names(cards: &[&Card]) -> Vec<String> {
    let mut names: Vec<_> = cards.iter().map(|card| card.nemesis.name().to_owned()).collect();
    names.dedup();
    names
}

/// The card with this name.
pub(crate) fn card(name: &str) -> Option<&'static Card> {
    cards_of(&Nemesis::EVERY).into_iter().find(|card| card.name == name)
}

/// Lets it happen. An error of the tools is no finding about Baton: the fault is indeterminate.
pub(crate) async fn install(site: &mut Site, card: &Card, hit: Option<String>) -> Outcome {
    let installed = match card.nemesis {
        Nemesis::Leader => leader::install(site).await,
        Nemesis::Kill => kill::install(site, card, hit).await,
        Nemesis::Pause => pause::install(site, card, hit).await,
        Nemesis::Restart => restart::install(site, card).await,
        Nemesis::Partition => partition::install(site, card, hit).await,
        Nemesis::Replies => replies::install(site, card, hit).await,
        Nemesis::Latency => latency::install(site, card).await,
        Nemesis::Power => power::install(site, card, hit).await,
        Nemesis::Disk => disk::install(site, card).await,
        Nemesis::Clock => clock::install(site, card).await,
        Nemesis::Data => data::install(site, card, hit).await,
        Nemesis::Membership => membership::install(site, card).await,
        Nemesis::Restore => restore::install(site).await,
    };
    installed.unwrap_or_else(|error| Outcome::Indeterminate(format!("{error:#}")))
}
