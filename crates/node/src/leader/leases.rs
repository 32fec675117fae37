//! Agents' leases, kept by the leader alone. Pure: time is given.
//!
//! An agent counts its lease from the moment in which it *sent* a renewal, the leader from the one
//! in which it *answered*, which is later: when the leader says that a lease is over, its agent
//! has known for at least the margin. Only a round trip counts as life: an agent whose answers do
//! not arrive is not answered any more, so its lease ends (the matrix's P01).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use baton_engine::command::Speaker;

/// One agent's lease.
#[derive(Debug)]
pub(crate) struct Lease {
    /// The last renewal answered, and when; before the first, when the agent came.
    answered: Instant,
    /// When the newest answer that the agent has confirmed was sent.
    confirmed: Instant,
    /// Answers that are not confirmed yet.
    unconfirmed: BTreeMap<u64, Instant>,
}

/// Every lease that may still run.
#[derive(Debug)]
pub(crate) struct Leases {
    lease: Duration,
    margin: Duration,
    running: BTreeMap<Speaker, Lease>,
}

impl Leases {
    /// No lease yet. `margin` stands for clocks that run at slightly different rates.
    pub(crate) fn new(lease: Duration, margin: Duration) -> Leases {
        Leases { lease, margin, running: BTreeMap::new() }
    }

    /// The agent is there, or may hold a lease of the leader before: one full lease from now. Gives back the lease that
    /// it replaces.
    pub(crate) fn grant(&mut self, speaker: Speaker, now: Instant) -> Option<Lease> {
        let lease = Lease { answered: now, confirmed: now, unconfirmed: BTreeMap::new() };
        self.running.insert(speaker, lease)
    }

    /// The agent was refused: a lease that somebody else has out of the same journal must not live on by that.
    pub(crate) fn take_back(&mut self, speaker: &Speaker, before: Option<Lease>) {
        match before {
            Some(lease) => drop(self.running.insert(speaker.clone(), lease)),
            None => drop(self.running.remove(speaker)),
        }
    }

    /// A renewal arrived, and with it the word that answers up to `confirmed` have arrived. True
    /// when it is to be answered.
    pub(crate) fn renew(&mut self, speaker: &Speaker, sequence: u64, confirmed: u64, now: Instant) -> bool {
        let Some(lease) = self.running.get_mut(speaker) else {
            return false;
        };
        let later = lease.unconfirmed.split_off(&(confirmed + 1));
        if let Some((_, sent)) = lease.unconfirmed.last_key_value() {
            lease.confirmed = lease.confirmed.max(*sent);
        }
        lease.unconfirmed = later;
        if now.duration_since(lease.confirmed) > self.lease {
            return false;
        }
        lease.unconfirmed.insert(sequence, now);
        lease.answered = now;
        true
    }

    /// Takes out every lease that is over.
    pub(crate) fn expired(&mut self, now: Instant) -> Vec<Speaker> {
        let whole = self.lease + self.margin;
        let over = |lease: &Lease| now.duration_since(lease.answered) >= whole;
        let speakers: Vec<_> =
            self.running.iter().filter(|(_, lease)| over(lease)).map(|(s, _)| s.clone()).collect();
        for speaker in &speakers {
            self.running.remove(speaker);
        }
        speakers
    }

    /// When the next lease could be over.
    pub(crate) fn next_end(&self) -> Option<Instant> {
        self.running.values().map(|lease| lease.answered + self.lease + self.margin).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(5);
    const MARGIN: Duration = Duration::from_millis(500);

    fn speaker() -> Speaker {
        Speaker { agent: "a".into(), incarnation: "1".into() }
    }

    fn granted() -> (Leases, Instant) {
        let start = Instant::now();
        let mut leases = Leases::new(LEASE, MARGIN);
        leases.grant(speaker(), start);
        (leases, start)
    }

    #[test]
    fn a_lease_ends_a_margin_after_its_time() {
        let (mut leases, start) = granted();
        assert!(leases.expired(start + LEASE).is_empty());
        assert_eq!(leases.expired(start + LEASE + MARGIN), [speaker()]);
        assert!(leases.expired(start + LEASE * 9).is_empty(), "it is told once");
    }

    #[test]
    fn a_renewal_extends_it() {
        let (mut leases, start) = granted();
        assert!(leases.renew(&speaker(), 1, 0, start + Duration::from_secs(4)));
        assert!(leases.expired(start + Duration::from_secs(9)).is_empty());
        assert_eq!(leases.next_end(), Some(start + Duration::from_secs(4) + LEASE + MARGIN));
    }

    #[test]
    fn renewals_whose_answers_never_arrive_do_not_count_as_life() {
        let (mut leases, start) = granted();
        let answered = (1..=20).filter(|sequence| {
            leases.renew(&speaker(), *sequence, 0, start + Duration::from_secs(*sequence))
        });
        assert_eq!(answered.last(), Some(5));
        assert_eq!(leases.expired(start + Duration::from_secs(11)), [speaker()]);
    }

    #[test]
    fn confirmed_answers_do() {
        let (mut leases, start) = granted();
        for sequence in 1..=20 {
            assert!(leases.renew(&speaker(), sequence, sequence - 1, start + Duration::from_secs(sequence)));
        }
    }

    /// A copy of a journal is refused again and again while the original is silent.
    #[test]
    fn a_grant_that_is_taken_back_prolongs_nothing() {
        let (mut leases, start) = granted();
        let before = leases.grant(speaker(), start + Duration::from_secs(4));
        leases.take_back(&speaker(), before);
        assert_eq!(leases.expired(start + LEASE + MARGIN), [speaker()]);
    }

    #[test]
    fn who_has_no_lease_is_not_answered() {
        let (mut leases, start) = granted();
        let other = Speaker { agent: "a".into(), incarnation: "2".into() };
        assert!(!leases.renew(&other, 1, 0, start));
    }
}
