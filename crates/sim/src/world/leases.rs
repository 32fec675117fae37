//! Leases at the leader, by the rules of the node (`leader/leases.rs`): a lease counts from the sending of its renewal at
//! the agent, whose own renewals these are, and from the answer here, and only a round trip counts.

use std::collections::{BTreeMap, BTreeSet};

use baton_engine::command::Speaker;

/// How long an agent counts as live, milliseconds.
pub(crate) const LEASE_MS: u64 = 5000;
/// Clocks differ in rate.
pub(crate) const MARGIN_MS: u64 = 500;
/// How often an agent renews.
pub(crate) const RENEW_MS: u64 = 1000;

/// One agent's lease at the leader.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    answered: u64,
    confirmed: u64,
    unconfirmed: BTreeMap<u64, u64>,
}

/// Every lease that may still run.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    running: BTreeMap<Speaker, Lease>,
    /// Whose end is proposed, and not decided yet.
    ending: BTreeSet<Speaker>,
}

impl Leases {
    pub(crate) fn grant(&mut self, speaker: Speaker, now: u64) -> Option<Lease> {
        let lease = Lease { answered: now, confirmed: now, unconfirmed: BTreeMap::new() };
        self.running.insert(speaker, lease)
    }

    pub(crate) fn is_ending(&self, speaker: &Speaker) -> bool {
        self.ending.contains(speaker)
    }

    pub(crate) fn ended(&mut self, speaker: &Speaker) {
        self.ending.remove(speaker);
    }

    pub(crate) fn take_back(&mut self, speaker: &Speaker, before: Option<Lease>) {
        match before {
            Some(lease) => drop(self.running.insert(speaker.clone(), lease)),
            None => drop(self.running.remove(speaker)),
        }
    }

    /// True when the renewal is to be answered.
    pub(crate) fn renew(&mut self, speaker: &Speaker, sequence: u64, confirmed: u64, now: u64) -> bool {
        let Some(lease) = self.running.get_mut(speaker) else { return false };
        let later = lease.unconfirmed.split_off(&(confirmed + 1));
        if let Some((_, sent)) = lease.unconfirmed.last_key_value() {
            lease.confirmed = lease.confirmed.max(*sent);
        }
        lease.unconfirmed = later;
        if now - lease.confirmed > LEASE_MS {
            return false;
        }
        lease.unconfirmed.insert(sequence, now);
        lease.answered = now;
        true
    }

    /// Every lease runs anew, as under a new leader: without a quorum nobody could be answered.
    pub(crate) fn restart(&mut self, now: u64) {
        for lease in self.running.values_mut() {
            *lease = Lease { answered: now, confirmed: now, unconfirmed: BTreeMap::new() };
        }
    }

    /// Takes out every lease that is over.
    pub(crate) fn expired(&mut self, now: u64) -> Vec<Speaker> {
        let over = |lease: &Lease| now - lease.answered >= LEASE_MS + MARGIN_MS;
        let speakers: Vec<_> = self
            .running
            .iter()
            .filter(|(_, lease)| over(lease))
            .map(|(speaker, _)| speaker.clone())
            .collect();
        speakers.iter().for_each(|speaker| drop(self.running.remove(speaker)));
        self.ending.extend(speakers.iter().cloned());
        speakers
    }

    pub(crate) fn next_end(&self) -> Option<u64> {
        self.running.values().map(|lease| lease.answered + LEASE_MS + MARGIN_MS).min()
    }
}
