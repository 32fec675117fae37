//! The world around real coordinators and agents, for the simulation of the whole: machines, supervisors, the target,
//! people, faults and laws are the core's own. Who sits in the middle carries out its orders and says what happened.

use std::sync::Arc;

use baton_agent::Memory;
use baton_agent::journal::Fact;
use baton_agent::ledger::{Decision, Seen};
use baton_engine::{Answer, Batch, Rejection, State};

use crate::laws::{self, Violation};
use crate::marks::Mark;
use crate::range::Played;
use crate::script::Script;
use crate::world::{LogEntry, World};

pub use crate::world::{Order, Site};

/// The world around what is real.
pub struct Outside(World);

impl Outside {
    /// The world of a script, before anything has happened.
    pub fn new(script: Script, traced: bool) -> Outside {
        Outside(World::around_real(script, traced))
    }

    /// Lets happen what happens up to this time, milliseconds.
    pub fn advance(&mut self, to_ms: u64) {
        self.0.play_until(to_ms);
    }

    /// What is to be done now, in this order.
    pub fn take_orders(&mut self) -> Vec<Order> {
        self.0.orders.replace(Vec::new()).unwrap_or_default()
    }

    /// Nothing breaks any more.
    pub fn is_calm(&self) -> bool {
        self.0.is_calm()
    }

    /// Everything has ended, or a law is broken.
    pub fn is_over(&self) -> bool {
        self.0.is_over()
    }

    /// A line of the trace.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        self.0.note(line);
    }

    /// A law is broken.
    pub fn broken(&mut self, law: &'static str, what: String) {
        self.0.broken(law, what);
    }

    /// The agent's name in a place, its region and its slots.
    pub fn agent(&self, place: usize) -> (String, String, u32) {
        let place = &self.0.places[place];
        (place.name.clone(), place.region.clone(), place.slots)
    }

    /// The region of a coordinator.
    pub fn region(&self, member: usize) -> String {
        self.0.members[member].region.clone()
    }

    /// What came of it.
    pub fn conclude(&mut self) -> Played {
        self.0.conclude();
        self.0.totals.schedules = 1;
        Played {
            violation: self.0.violation.clone(),
            marks: self.0.marks.clone(),
            totals: self.0.totals.clone(),
            trace: self.0.take_trace(),
        }
    }

    /// The law that is broken.
    pub fn violation(&self) -> Option<&Violation> {
        self.0.violation.as_ref()
    }

    /// A coordinator applied an entry, and holds this state after it.
    pub fn applied(&mut self, member: usize, index: u64, batch: Option<&Batch>, state: &State) {
        // The first entry, of index 0, makes the cluster and changes no state.
        let Some(position) = usize::try_from(index).ok().and_then(|index| index.checked_sub(1)) else {
            return;
        };
        match self.0.book.entries.get(position) {
            Some(known) if known.batch.as_ref() != batch => {
                let what =
                    format!("coordinator {} applied another entry {index} than others did", member + 1);
                return self.0.broken("one log", what);
            }
            Some(_) => {}
            None if position > self.0.book.entries.len() => {
                return self
                    .0
                    .broken("one log", format!("entry {index} was applied before the one before it"));
            }
            None => self.enter(member, index, batch),
        }
        if self.0.book.entries.len() == position + 1 && !self.leads_to(state) {
            let what = format!(
                "coordinator {} holds another state after entry {index} than the log leads to",
                member + 1
            );
            self.0.broken("replay", what);
        }
    }

    /// Whether the log leads to this state, of which runs at rest may be kept apart.
    fn leads_to(&self, state: &State) -> bool {
        let mut expected = self.0.book.state.clone();
        let apart: Vec<_> =
            expected.runs.values().filter(|run| !state.runs.contains_key(&run.id)).cloned().collect();
        let at_rest = apart.iter().all(|run| expected.is_at_rest(run));
        apart.iter().filter(|_| at_rest).for_each(|run| expected.take_out(run));
        expected == *state
    }

    /// The log's next entry.
    fn enter(&mut self, member: usize, index: u64, batch: Option<&Batch>) {
        let (before, term) = (self.0.book.state.office, batch.map_or(0, |batch| batch.term));
        let leader = self.0.acting();
        self.0.commit_entry(member, index as usize, Arc::new(LogEntry { term, batch: batch.cloned() }));
        if self.0.book.state.office != before {
            self.0.notice_office(leader);
        }
    }

    /// What the agent of a place finds at its start.
    pub fn memory(&self, place: usize) -> Memory {
        let seen = &self.0.places[place];
        let incarnation = seen.process.as_ref().map(|process| process.incarnation.clone());
        Memory {
            incarnation: incarnation.unwrap_or_default(),
            facts: self.0.facts(place),
            place: seen.host.clone(),
            boot: self.0.boot_id(place),
        }
    }

    /// The boot clock of a place, nanoseconds.
    pub fn boottime_ns(&self, place: usize) -> u64 {
        self.0.boot_ns(place)
    }

    /// The lease as supervisors read it.
    pub fn keep_lease(&mut self, place: usize, until_ns: u64) {
        let boot = self.0.machines[self.0.places[place].machine].boot;
        self.0.places[place].disk.lease = Some((boot, until_ns));
    }

    /// What can be seen of an attempt; an agent asks when it starts.
    pub fn seen(&mut self, place: usize, token: u64) -> Seen {
        let seen = self.0.places[place].seen(token);
        self.0.note_return(&seen);
        seen
    }

    /// The machine of a place does what its agent decides.
    pub fn perform(&mut self, place: usize, decision: Decision) {
        self.0.note(|| format!("place {place}: {decision:?}"));
        if let Decision::Journal { facts, .. } = &decision {
            self.0.memory.finished(facts, self.0.book.state.office.term);
        }
        self.0.perform(place, decision);
    }

    /// Facts that nobody waits for.
    pub fn journal_lazily(&mut self, place: usize, facts: Vec<Fact>) {
        self.0.write_lines(place, facts, None);
    }

    /// An attempt may be forgotten: its report was acknowledged.
    pub fn forget(&mut self, place: usize, token: u64) {
        let folder = self.0.places[place].disk.folders.remove(&token);
        if let Some(assignment) = folder.and_then(|folder| folder.assignment).filter(|one| !one.probe) {
            laws::acknowledged::report(&mut self.0, place, &assignment.key);
        }
    }

    /// Somebody hears the cluster's answer.
    pub fn answered(&mut self, client: usize, told: Result<Answer, Rejection>) {
        let attempt = self.0.clients[client].attempt;
        self.0.client_hears(client, attempt, told);
    }

    /// Nobody answered in time; it is asked again.
    pub fn unanswered(&mut self, client: usize) {
        self.0.is_unanswered(client);
    }
}

impl World {
    /// A coordinator has taken office after this one.
    fn notice_office(&mut self, before: Option<usize>) {
        let running = self.book.state.active.len();
        self.totals.offices += 1;
        self.totals.takeovers += running as u64;
        let leader = self.acting();
        self.note(|| format!("coordinator {leader:?} has taken office after {before:?}"));
        self.notice_lost_region(running);
        let Some(before) = before.filter(|before| Some(*before) != leader) else { return };
        if self.is_member_frozen(before) {
            self.hit(Mark::Z05);
        } else if (0..self.members.len()).any(|other| self.links.is_cut_between(other, before)) {
            self.hit(Mark::P04);
        }
    }
}
