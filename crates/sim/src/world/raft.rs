//! The log's stand-in: a small Raft, frame by frame. It elects, replicates and commits as the real one does, so that
//! proposals are lost, committed without an answer, or committed under a leader that was deposed.

mod election;
mod replication;

use std::collections::BTreeSet;
use std::sync::Arc;

use baton_engine::Batch;

use super::office::Office;
use super::{Happening, Order, Site, World};
use crate::marks::Mark;

/// Between two heartbeats, milliseconds.
const HEARTBEAT_MS: u64 = 150;
/// Silence of the leader that makes others stand for election.
const ELECTION_MS: (u64, u64) = (600, 1200);

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
    pub(crate) log: Vec<Arc<LogEntry>>,
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
        entries: Vec<Arc<LogEntry>>,
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
        if !self.order(Order::Start(Site::Member(member))) {
            self.arm_election(member);
        }
    }

    pub(crate) fn kill_member(&mut self, member: usize) {
        if !self.members[member].up {
            return;
        }
        self.note(|| format!("member {member} dies"));
        if self.members[member].leads() || self.orders.is_some() && self.acting() == Some(member) {
            self.totals.leader_deaths += 1;
        }
        self.order(Order::Stop(Site::Member(member)));
        self.close_office(member, "its coordinator died");
        let seen = &mut self.members[member];
        (seen.up, seen.role) = (false, Role::Follower);
        seen.leftovers.clear();
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

    fn peers(&self, member: usize) -> impl Iterator<Item = usize> + use<> {
        (0..self.members.len()).filter(move |peer| *peer != member)
    }

    fn majority(&self) -> usize {
        self.members.len() / 2 + 1
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

    /// The first coordinator that is in office, as an outsider would find it.
    pub(crate) fn acting(&self) -> Option<usize> {
        if self.orders.is_some() {
            // As the log says; real coordinators count from 1.
            let known = self.book.state.office.node.checked_sub(1)?;
            return usize::try_from(known).ok().filter(|member| self.members[*member].up);
        }
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
