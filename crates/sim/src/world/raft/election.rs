//! Who leads: silence, votes, and the beginning of a term.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{ELECTION_MS, Frame, LogEntry, Role, Timer, timer};
use crate::world::World;

impl World {
    pub(super) fn arm_election(&mut self, member: usize) {
        let (life, heard_at) = (self.members[member].life, self.members[member].heard_at);
        let (low, high) = ELECTION_MS;
        let timeout_ms = self.between(low, high, ("election", member, heard_at, self.members[member].term));
        self.members[member].timeout_ms = timeout_ms;
        self.at(heard_at.max(self.now) + timeout_ms, timer(member, life, Timer::Election));
    }

    pub(super) fn election_due(&mut self, member: usize) {
        let seen = &self.members[member];
        let silent = self.now.saturating_sub(seen.heard_at) >= seen.timeout_ms;
        if matches!(seen.role, Role::Leader { .. }) {
            return;
        }
        if silent {
            self.stand_for_election(member);
        }
        self.arm_election(member);
    }

    fn stand_for_election(&mut self, member: usize) {
        let now = self.now;
        let seen = &mut self.members[member];
        seen.term += 1;
        seen.voted = Some(member);
        seen.heard_at = now;
        seen.role = Role::Candidate { votes: BTreeSet::from([member]) };
        let (term, last) = (seen.term, seen.last());
        self.note(|| format!("member {member} stands for election in term {term}"));
        for peer in self.peers(member) {
            self.send_frame(member, peer, Frame::Vote { term, last });
        }
    }

    pub(super) fn on_vote(&mut self, to: usize, from: usize, term: u64, last: (u64, usize)) {
        let seen = &self.members[to];
        // Whoever hears a leader takes part in no election against it.
        let led = seen.leads() && self.now.saturating_sub(self.quorum_acked_at(to)) < ELECTION_MS.0;
        let hears = matches!(seen.role, Role::Follower)
            && self.now.saturating_sub(seen.heard_at) < ELECTION_MS.0
            && seen.log.last().is_some();
        if led || hears {
            return;
        }
        self.hear_of_term(to, term);
        let now = self.now;
        let seen = &mut self.members[to];
        let granted =
            term == seen.term && seen.voted.is_none_or(|voted| voted == from) && last >= seen.last();
        if granted {
            (seen.voted, seen.heard_at) = (Some(from), now);
        }
        let term = seen.term;
        self.send_frame(to, from, Frame::Voted { term, granted });
    }

    pub(super) fn on_voted(&mut self, to: usize, from: usize) {
        let (majority, count, now) = (self.majority(), self.members.len(), self.now);
        let seen = &mut self.members[to];
        let Role::Candidate { votes } = &mut seen.role else { return };
        votes.insert(from);
        if votes.len() < majority {
            return;
        }
        let length = seen.log.len();
        seen.role = Role::Leader {
            next: vec![length + 1; count],
            matched: vec![0; count],
            acked_at: vec![now; count],
            first: length + 1,
        };
        let term = seen.term;
        seen.log.push(Arc::new(LogEntry { term, batch: None }));
        // What waited at a proposer of an earlier office may come into the log of a later term.
        let leftovers = std::mem::take(&mut seen.leftovers);
        let late = leftovers.into_iter().map(|batch| Arc::new(LogEntry { term, batch: Some(batch) }));
        seen.log.extend(late);
        self.note(|| format!("member {to} leads in term {term}"));
        let life = self.members[to].life;
        self.at(now, timer(to, life, Timer::Heartbeat));
    }
}
