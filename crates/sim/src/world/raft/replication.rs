//! How entries go from the leader to the others, and what is committed by that.

use std::sync::Arc;

use baton_engine::Batch;

use super::{Frame, HEARTBEAT_MS, LogEntry, Role, Timer, timer};
use crate::script::Trigger;
use crate::world::World;

/// A leader whose quorum has not answered for so long falls silent, as openraft's does: others may be elected, and it
/// leads on until it hears of them.
const QUORUM_LOSS_MS: u64 = 3000;

impl World {
    pub(super) fn heartbeat(&mut self, member: usize) {
        if !self.members[member].leads() {
            return;
        }
        let silent = self.now.saturating_sub(self.quorum_acked_at(member)) > QUORUM_LOSS_MS;
        if !silent || self.now % QUORUM_LOSS_MS < HEARTBEAT_MS {
            self.replicate(member);
        }
        let life = self.members[member].life;
        self.after(HEARTBEAT_MS, timer(member, life, Timer::Heartbeat));
    }

    /// The newest moment at which a quorum had certainly not turned to another leader.
    pub(crate) fn quorum_acked_at(&self, member: usize) -> u64 {
        let Role::Leader { acked_at, .. } = &self.members[member].role else { return 0 };
        let mut acked: Vec<u64> = acked_at.clone();
        acked[member] = self.now;
        acked.sort_unstable();
        acked[self.members.len() - self.majority()]
    }

    pub(crate) fn replicate(&mut self, member: usize) {
        for peer in self.peers(member) {
            let seen = &self.members[member];
            let Role::Leader { next, .. } = &seen.role else { return };
            let before = next[peer] - 1;
            let frame = Frame::Append {
                term: seen.term,
                before,
                before_term: seen.term_at(before),
                entries: seen.log[before..].to_vec(),
                commit: seen.commit,
                sent_at: self.now,
            };
            self.send_frame(member, peer, frame);
        }
    }

    pub(super) fn on_append(&mut self, to: usize, from: usize, frame: Frame) {
        let Frame::Append { term, before, before_term, entries, commit, sent_at } = frame else { return };
        if term >= self.members[to].term {
            self.hear_of_term(to, term);
            self.members[to].heard_at = self.now;
            self.members[to].role = Role::Follower;
        }
        let seen = &mut self.members[to];
        let own_term = seen.term;
        let fits = term == own_term && before <= seen.log.len() && seen.term_at(before) == before_term;
        let matched = fits.then(|| {
            for (position, entry) in entries.iter().enumerate() {
                let index = before + position + 1;
                if index <= seen.log.len() && seen.term_at(index) != entry.term {
                    assert!(index > seen.commit, "a committed entry is never taken back");
                    seen.log.truncate(index - 1);
                }
                if index > seen.log.len() {
                    seen.log.push(Arc::clone(entry));
                }
            }
            before + entries.len()
        });
        let length = seen.log.len();
        if let Some(matched) = matched {
            self.advance(to, commit.min(matched));
        }
        self.send_frame(to, from, Frame::Appended { term: own_term, matched, length, sent_at });
    }

    pub(super) fn on_appended(
        &mut self,
        to: usize,
        from: usize,
        matched: Option<usize>,
        length: usize,
        sent_at: u64,
    ) {
        let Role::Leader { next, matched: known, acked_at, .. } = &mut self.members[to].role else { return };
        match matched {
            Some(matched) => {
                known[from] = known[from].max(matched);
                next[from] = known[from] + 1;
                acked_at[from] = acked_at[from].max(sent_at);
            }
            None => next[from] = (next[from] - 1).min(length + 1).max(known[from] + 1).max(1),
        }
        let seen = &self.members[to];
        let Role::Leader { matched, .. } = &seen.role else { return };
        let mut lengths = matched.clone();
        lengths[to] = seen.log.len();
        lengths.sort_unstable();
        let most = lengths[self.members.len() - self.majority()];
        if most > 0 && seen.term_at(most) == seen.term {
            self.advance(to, most);
        }
    }

    /// Puts a batch into the leader's log, and gives back its index.
    pub(crate) fn append(&mut self, member: usize, batch: Batch) -> usize {
        let seen = &mut self.members[member];
        let term = seen.term;
        seen.log.push(Arc::new(LogEntry { term, batch: Some(batch) }));
        let index = seen.log.len();
        self.trigger(Trigger::Proposed, None);
        // Sometimes the frames leave only with the next heartbeat, and the leader may be dead by then.
        if self.chance.percent(75, ("replicate", member, term, index)) {
            self.replicate(member);
        }
        index
    }

    /// A member knows that everything up to here is committed.
    fn advance(&mut self, member: usize, commit: usize) {
        let before = self.members[member].commit;
        if commit <= before {
            return;
        }
        for index in before + 1..=commit {
            let entry = Arc::clone(&self.members[member].log[index - 1]);
            match self.book.entries.get(index - 1) {
                Some(known) => assert!(Arc::ptr_eq(known, &entry), "two members committed different entries"),
                None => self.commit_entry(member, index, entry),
            }
        }
        let now = self.now;
        let seen = &mut self.members[member];
        (seen.commit, seen.applied_at) = (commit, now);
        if let Role::Leader { first, .. } = seen.role
            && before < first
            && first <= commit
        {
            // Everything before is applied: it may take office.
            self.open_office(member);
        }
        self.office_applied(member);
    }

    pub(crate) fn commit_entry(&mut self, member: usize, index: usize, entry: Arc<LogEntry>) {
        for (other, seen) in self.members.iter_mut().enumerate() {
            // Whoever is in office and does not know of this entry yet goes on by what it knows.
            if let Some(office) = seen.office.as_mut().filter(|_| other != member)
                && office.behind.is_none()
            {
                office.behind = Some(self.book.state.clone());
            }
        }
        let replies = match &entry.batch {
            Some(batch) => self.book.state.apply(index as u64, batch),
            None => Vec::new(),
        };
        self.book.entries.push(Arc::clone(&entry));
        self.book.replies.push(replies);
        if let Some(batch) = &entry.batch {
            self.totals.commands += batch.commands.len() as u64;
            crate::laws::after_apply(self, index, batch);
        }
    }
}
