//! The log's stand-in: a small Raft, frame by frame. It elects, replicates and commits as the real one does, so that
//! proposals are lost, committed without an answer, or committed under a leader that was deposed.

use std::collections::BTreeSet;
use std::rc::Rc;

use baton_engine::Batch;

use super::office::Office;
use super::{Happening, World};
use crate::marks::Mark;
use crate::script::Trigger;

/// Between two heartbeats, milliseconds.
const HEARTBEAT_MS: u64 = 150;
/// Silence of the leader that makes others stand for election.
const ELECTION_MS: (u64, u64) = (600, 1200);
/// A leader whose quorum has not answered for so long falls silent, as openraft's does: others may be elected, and it
/// leads on until it hears of them.
const QUORUM_LOSS_MS: u64 = 3000;

/// One entry of the log; the first of each term is empty.
#[derive(Debug)]
pub(crate) struct LogEntry {
    pub(crate) term: u64,
    pub(crate) batch: Option<Batch>,
}

/// What a member is in its term.
#[derive(Debug)]
pub(crate) enum Role {
    Follower,
    Candidate { votes: BTreeSet<usize> },
    Leader { next: Vec<usize>, matched: Vec<usize>, acked_at: Vec<u64>, first: usize },
}

/// A coordinator.
pub(crate) struct Member {
    pub(crate) life: u64,
    pub(crate) up: bool,
    pub(crate) region: String,
    pub(crate) term: u64,
    voted: Option<usize>,
    pub(crate) log: Vec<Rc<LogEntry>>,
    pub(crate) commit: usize,
    pub(crate) role: Role,
    heard_at: u64,
    timeout_ms: u64,
    /// When it applied the newest entry, on its own clock.
    pub(crate) applied_at: u64,
    pub(crate) office: Option<Office>,
    /// What an office that is over had still to propose.
    pub(crate) leftovers: Vec<Batch>,
    /// How far its wall clock is off, milliseconds.
    pub(crate) wall_ms: i64,
}

/// What members say to each other.
#[derive(Debug, Clone)]
pub(crate) enum Frame {
    Append {
        term: u64,
        before: usize,
        before_term: u64,
        entries: Vec<Rc<LogEntry>>,
        commit: usize,
        sent_at: u64,
    },
    Appended {
        term: u64,
        matched: Option<usize>,
        length: usize,
        sent_at: u64,
    },
    Vote {
        term: u64,
        last: (u64, usize),
    },
    Voted {
        term: u64,
        granted: bool,
    },
}

/// A member's own clock.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "few wait at once")]
pub(crate) enum Timer {
    Election,
    Heartbeat,
    Office,
    /// The patience with a proposal ends.
    Patience(usize),
    /// A greeted agent has stayed silent.
    Greeting(u64),
    TakeOffice,
    Propose(baton_engine::Command, super::office::Caller),
}

impl Member {
    fn last(&self) -> (u64, usize) {
        (self.log.last().map_or(0, |entry| entry.term), self.log.len())
    }

    fn term_at(&self, index: usize) -> u64 {
        if index == 0 { 0 } else { self.log[index - 1].term }
    }

    pub(crate) fn leads(&self) -> bool {
        self.up && matches!(self.role, Role::Leader { .. })
    }
}

impl World {
    pub(crate) fn add_member(&mut self, member: usize) {
        let regions: Vec<_> = self.script.world.agents.iter().map(|agent| agent.region.clone()).collect();
        let region = regions[member % regions.len()].clone();
        self.members.push(Member {
            life: 0,
            up: false,
            region,
            term: 0,
            voted: None,
            log: Vec::new(),
            commit: 0,
            role: Role::Follower,
            heard_at: 0,
            timeout_ms: 0,
            applied_at: 0,
            office: None,
            leftovers: Vec::new(),
            wall_ms: 0,
        });
        self.start_member(member);
    }

    pub(crate) fn start_member(&mut self, member: usize) {
        let life = self.number();
        let now = self.now;
        let seen = &mut self.members[member];
        if seen.up {
            return;
        }
        (seen.up, seen.life, seen.heard_at, seen.role) = (true, life, now, Role::Follower);
        (seen.commit, seen.applied_at) = (0, now);
        self.note(|| format!("member {member} starts"));
        self.arm_election(member);
    }

    pub(crate) fn kill_member(&mut self, member: usize) {
        if !self.members[member].up {
            return;
        }
        self.note(|| format!("member {member} dies"));
        if self.members[member].leads() {
            self.totals.leader_deaths += 1;
        }
        self.close_office(member, "its coordinator died");
        let seen = &mut self.members[member];
        (seen.up, seen.role) = (false, Role::Follower);
        seen.leftovers.clear();
    }

    fn arm_election(&mut self, member: usize) {
        let (life, heard_at) = (self.members[member].life, self.members[member].heard_at);
        let (low, high) = ELECTION_MS;
        let timeout_ms = self.between(low, high, ("election", member, heard_at, self.members[member].term));
        self.members[member].timeout_ms = timeout_ms;
        self.at(heard_at.max(self.now) + timeout_ms, timer(member, life, Timer::Election));
    }

    pub(crate) fn on_timer(&mut self, member: usize, life: u64, timer: Timer) {
        if !self.members[member].up || self.members[member].life != life {
            return;
        }
        match timer {
            Timer::Election => self.election_due(member),
            Timer::Heartbeat => self.heartbeat(member),
            Timer::Office => self.in_office(member),
            Timer::Patience(index) => self.lose_patience(member, index),
            Timer::Greeting(session) => self.greeting_over(member, session),
            Timer::TakeOffice => self.propose_office(member),
            Timer::Propose(command, caller) => self.propose(member, command, caller),
        }
    }

    fn election_due(&mut self, member: usize) {
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

    fn peers(&self, member: usize) -> impl Iterator<Item = usize> + use<> {
        (0..self.members.len()).filter(move |peer| *peer != member)
    }

    fn majority(&self) -> usize {
        self.members.len() / 2 + 1
    }

    fn heartbeat(&mut self, member: usize) {
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

    fn send_frame(&mut self, from: usize, to: usize, frame: Frame) {
        let lot = ("frame", from, to, self.sequence);
        let drops = if self.era == super::Era::Faults { self.script.world.drops } else { 0 };
        if self.links.is_cut_between(from, to) || self.chance.percent(drops, lot) {
            return;
        }
        let delay = self.between(1, self.script.world.delay_ms, ("way", lot));
        self.after(delay, Happening::Raft { to, from, frame });
    }

    pub(crate) fn on_frame(&mut self, to: usize, from: usize, frame: Frame) {
        if !self.members[to].up || self.links.is_cut_between(from, to) {
            return;
        }
        match frame {
            Frame::Append { .. } => self.on_append(to, from, frame),
            Frame::Appended { term, matched, length, sent_at } => {
                self.hear_of_term(to, term);
                self.on_appended(to, from, matched, length, sent_at);
            }
            Frame::Vote { term, last } => self.on_vote(to, from, term, last),
            Frame::Voted { term, granted } => {
                self.hear_of_term(to, term);
                if granted && self.members[to].term == term {
                    self.on_voted(to, from);
                }
            }
        }
    }

    fn hear_of_term(&mut self, member: usize, term: u64) {
        if term > self.members[member].term {
            (self.members[member].term, self.members[member].voted) = (term, None);
            self.follow(member);
        }
    }

    fn follow(&mut self, member: usize) {
        let led = self.members[member].leads();
        self.members[member].role = Role::Follower;
        if led {
            self.note(|| format!("member {member} hears of a newer term"));
            self.close_office(member, "another leader was elected");
            self.arm_election(member);
        }
    }

    fn on_append(&mut self, to: usize, from: usize, frame: Frame) {
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
                    seen.log.push(Rc::clone(entry));
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

    fn on_appended(&mut self, to: usize, from: usize, matched: Option<usize>, length: usize, sent_at: u64) {
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

    fn on_vote(&mut self, to: usize, from: usize, term: u64, last: (u64, usize)) {
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

    fn on_voted(&mut self, to: usize, from: usize) {
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
        seen.log.push(Rc::new(LogEntry { term, batch: None }));
        // What waited at a proposer of an earlier office may come into the log of a later term.
        let leftovers = std::mem::take(&mut seen.leftovers);
        let late = leftovers.into_iter().map(|batch| Rc::new(LogEntry { term, batch: Some(batch) }));
        seen.log.extend(late);
        self.note(|| format!("member {to} leads in term {term}"));
        let life = self.members[to].life;
        self.at(now, timer(to, life, Timer::Heartbeat));
    }

    /// Puts a batch into the leader's log, and gives back its index.
    pub(crate) fn append(&mut self, member: usize, batch: Batch) -> usize {
        let seen = &mut self.members[member];
        let term = seen.term;
        seen.log.push(Rc::new(LogEntry { term, batch: Some(batch) }));
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
            let entry = Rc::clone(&self.members[member].log[index - 1]);
            match self.book.entries.get(index - 1) {
                Some(known) => assert!(Rc::ptr_eq(known, &entry), "two members committed different entries"),
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

    fn commit_entry(&mut self, member: usize, index: usize, entry: Rc<LogEntry>) {
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
        self.book.entries.push(Rc::clone(&entry));
        self.book.replies.push(replies);
        if let Some(batch) = &entry.batch {
            self.totals.commands += batch.commands.len() as u64;
            crate::laws::after_apply(self, index, batch);
        }
    }

    /// The first coordinator that is in office, as an outsider would find it.
    pub(crate) fn acting(&self) -> Option<usize> {
        let newest = |member: &usize| self.members[*member].term;
        (0..self.members.len()).filter(|member| self.members[*member].office.is_some()).max_by_key(newest)
    }

    /// Marks that a leader led on in a minority while others had elected another.
    pub(crate) fn notice_minority(&mut self, newer: usize) {
        for member in 0..self.members.len() {
            if member != newer && self.members[member].leads() {
                let frozen = self.is_member_frozen(member);
                self.hit(if frozen { Mark::Z05 } else { Mark::P04 });
            }
        }
    }
}

pub(crate) fn timer(member: usize, life: u64, timer: Timer) -> Happening {
    Happening::Member { member, life, timer }
}
