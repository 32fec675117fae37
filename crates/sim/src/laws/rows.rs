//! No law, but the rows of the matrix: what a schedule really produced.

use std::collections::{BTreeMap, BTreeSet};

use baton_agent::journal::Fact;
use baton_agent::ledger::Seen;
use baton_engine::event::Event;
use baton_engine::{Batch, Command, Reply};

use super::Memory;
use crate::marks::{Mark, Marks};
use crate::world::World;

/// What is remembered for the rows.
#[derive(Default)]
pub(crate) struct Rows {
    granted_in: BTreeMap<u64, u64>,
    sent_in: BTreeMap<u64, u64>,
    delivered: BTreeSet<u64>,
    begun_in: BTreeMap<u64, u64>,
    reported_in: BTreeMap<u64, u64>,
    recorded: BTreeSet<u64>,
    lengths: BTreeMap<String, usize>,
}

impl Memory {
    /// A leader sends an assignment.
    pub(crate) fn sent(&mut self, marks: &mut Marks, token: u64, term: u64) {
        let rows = &mut self.rows;
        let granted = rows.granted_in.get(&token).copied().unwrap_or(term);
        match rows.sent_in.insert(token, term) {
            None if granted < term => marks.hit(Mark::M03),
            Some(before) if before < term && rows.delivered.contains(&token) => marks.hit(Mark::M04),
            _ => {}
        }
    }

    /// An agent writes down an end, to be offered to the leader of this term.
    pub(crate) fn finished(&mut self, facts: &[Fact], term: u64) {
        for fact in facts {
            if let Fact::Finished(report) = fact {
                self.rows.reported_in.entry(report.key.token).or_insert(term);
            }
        }
    }

    pub(crate) fn delivered(&mut self, token: u64) {
        self.rows.delivered.insert(token);
    }

    /// A report arrived at a leader.
    pub(crate) fn reported(&mut self, marks: &mut Marks, token: u64, term: u64) {
        let before = self.rows.reported_in.insert(token, term);
        let recorded = self.rows.recorded.contains(&token);
        match before {
            Some(before) if before < term && !recorded => marks.hit(Mark::M06),
            Some(_) if recorded => marks.hit(Mark::M07),
            _ => {}
        }
    }
}

pub(super) fn after_apply(world: &mut World, batch: &Batch) {
    let replies: Vec<Reply> = world.book.replies.last().cloned().unwrap_or_default();
    for (command, reply) in batch.commands.iter().zip(&replies) {
        match command {
            Command::Begin { key, .. } if reply.is_ok() => match world.memory.rows.begun_in.get(&key.token) {
                Some(term) if *term < batch.term => world.hit(Mark::M05),
                Some(_) => {}
                None => drop(world.memory.rows.begun_in.insert(key.token, batch.term)),
            },
            Command::Report { key, .. } if reply.is_ok() => recorded(world, key.token, batch.term),
            Command::ExpireAgent { speaker } if reply.is_ok() => expired(world, &speaker.agent),
            _ => {}
        }
    }
    let runs: Vec<_> = world.book.state.runs.values().cloned().collect();
    for run in runs {
        let before = world.memory.rows.lengths.insert(run.id.clone(), run.timeline.len()).unwrap_or_default();
        for record in &run.timeline[before..] {
            match &record.event {
                Event::StepGranted { token, .. } => {
                    world.memory.rows.granted_in.insert(*token, batch.term);
                }
                Event::AttemptLost { .. } => world.hit(Mark::G02),
                Event::AttemptWithdrawn { reason, .. } if reason.contains("declared lost") => {
                    world.hit(Mark::G01)
                }
                _ => {}
            }
        }
    }
}

/// A report is in the log: from a later term than it was offered in, or once more.
fn recorded(world: &mut World, token: u64, term: u64) {
    let offered = world.memory.rows.reported_in.get(&token).copied();
    if !world.memory.rows.recorded.insert(token) {
        world.hit(Mark::M07);
    } else if offered.is_some_and(|offered| offered < term) {
        world.hit(Mark::M06);
    }
}

/// A lease ran out: because one direction was cut?
fn expired(world: &mut World, agent: &str) {
    let Some(place) = world.places.iter().position(|place| place.name == agent) else { return };
    let members = 0..world.members.len();
    let up = members.clone().any(|member| world.links.is_up(place, member));
    let down = members.clone().any(|member| world.links.is_down(place, member));
    match (up, down) {
        (true, false) => world.hit(Mark::P01),
        (false, true) => world.hit(Mark::P02),
        _ => {}
    }
}

impl World {
    /// An agent's process is about to die: where do its attempts stand?
    pub(crate) fn note_agent_death(&mut self, place: usize) {
        let facts = self.facts(place);
        let name = &self.places[place].name;
        let state = &self.book.state;
        let Some(agent) = state.agents.by_name.get(name) else { return };
        let mut marks = Vec::new();
        for (token, (run, index)) in &agent.open {
            let Some(attempt) = state.runs[run].steps[*index].attempt().filter(|one| one.token == *token)
            else {
                continue;
            };
            let seen = self.places[place].seen(*token);
            marks.push(match (attempt.begun.is_some(), facts.open.contains_key(token)) {
                (false, _) => Mark::A01,
                (true, false) if !attempt.idempotent => Mark::A02,
                (true, true) if !seen.executing => Mark::A03,
                _ => continue,
            });
        }
        marks.into_iter().for_each(|mark| self.hit(mark));
    }

    /// An agent is back, and looks at an attempt that its journal knows as started.
    pub(crate) fn note_return(&mut self, seen: &Seen) {
        match seen {
            Seen { exit: Some(_), .. } => self.hit(Mark::A06),
            Seen { locked: true, .. } => self.hit(Mark::A04),
            Seen { executing: true, .. } => self.hit(Mark::A05),
            _ => {}
        }
    }

    /// The machine of a place is about to lose power.
    pub(crate) fn note_power_cut(&mut self, place: usize) {
        if self.places[place].children.values().any(|child| !child.assignment.probe) {
            self.hit(Mark::A05);
        }
    }
}
