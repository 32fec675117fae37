//! The simulated world: what happens, in order of time, to members, agents, disks, links, people and the target.

mod agent;
mod clients;
mod faults;
mod home;
mod keeper;
mod leases;
mod links;
mod office;
mod orders;
mod place;
mod raft;
mod relief;
mod session;
mod settling;
mod supervisor;
mod target;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_engine::{Reply, State};

use crate::chance::Chance;
use crate::laws::{self, Violation};
use crate::marks::{Mark, Marks};
use crate::sabotage::Sabotage;
use crate::script::{At, Script, Trigger};
use crate::totals::Totals;

pub(crate) use clients::Client;
pub use orders::{Order, Site};
pub(crate) use place::{Machine, Place};
pub(crate) use raft::{LogEntry, Member};
pub(crate) use target::{Effect, Target};

/// Something that is going to happen.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    /// An entry of the script, and the place with which its trigger went off.
    Scripted(usize, Option<usize>),
    /// A fault ends.
    Relief(relief::Relief),
    /// A frame between members.
    Raft { to: usize, from: usize, frame: raft::Frame },
    /// A member's own clock.
    Member { member: usize, life: u64, timer: raft::Timer },
    /// Up a stream.
    Up { member: usize, place: usize, session: u64, message: session::Up },
    /// Down a stream.
    Down { member: usize, place: usize, session: u64, message: session::Down },
    /// Inside of an agent's process.
    Agent { place: usize, life: u64, what: agent::Inner },
    /// Inside of a supervisor.
    Attempt { place: usize, token: u64, life: u64, phase: supervisor::Phase },
    /// A step's own process.
    Child { place: usize, token: u64, life: u64, what: supervisor::ChildDoes },
    /// A person's client.
    Client { client: usize, what: clients::Inner },
    /// The world looks whether it has come to rest.
    Look,
}

/// Where a schedule stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Era {
    /// Anything may break.
    Faults,
    /// Nothing breaks any more, and nobody decides.
    Healing,
    /// People decide what hangs on them, by what the target says.
    Settling,
    /// Every run has ended.
    Over,
}

/// What the log says, as the first member that applied it.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) entries: Vec<Arc<LogEntry>>,
    pub(crate) replies: Vec<Vec<Reply>>,
    pub(crate) state: State,
}

/// Everything.
pub(crate) struct World {
    pub(crate) script: Script,
    pub(crate) chance: Chance,
    pub(crate) sabotage: Option<Sabotage>,
    pub(crate) now: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    sequence: u64,
    /// What waits for somebody who is frozen.
    stalled: BTreeMap<relief::Frozen, Vec<Happening>>,
    frozen: relief::Freezes,
    pub(crate) members: Vec<Member>,
    pub(crate) book: Book,
    pub(crate) machines: Vec<Machine>,
    pub(crate) places: Vec<Place>,
    pub(crate) links: links::Links,
    pub(crate) target: Target,
    pub(crate) clients: Vec<Client>,
    triggers: BTreeMap<Trigger, u32>,
    /// The place with which a trigger went off last.
    concerned: Option<usize>,
    pub(crate) era: Era,
    pub(crate) era_since: u64,
    pub(crate) marks: Marks,
    pub(crate) totals: Totals,
    pub(crate) memory: laws::Memory,
    pub(crate) violation: Option<Violation>,
    trace: Option<Vec<String>>,
    /// What is to be done to coordinators and agents, where they are real.
    pub(crate) orders: Option<Vec<Order>>,
    /// The last number given to a process, a session or a journal.
    numbers: u64,
}

impl World {
    /// The world of a script, before anything has happened.
    pub(crate) fn new(script: Script, sabotage: Option<Sabotage>, traced: bool) -> World {
        World::with(script, sabotage, traced, None)
    }

    /// The world around real coordinators and agents.
    pub(crate) fn around_real(script: Script, traced: bool) -> World {
        World::with(script, None, traced, Some(Vec::new()))
    }

    fn with(script: Script, sabotage: Option<Sabotage>, traced: bool, orders: Option<Vec<Order>>) -> World {
        let chance = Chance::new(script.world.seed);
        let mut world = World {
            chance,
            sabotage,
            now: 0,
            queue: BTreeMap::new(),
            sequence: 0,
            stalled: BTreeMap::new(),
            frozen: BTreeMap::new(),
            members: Vec::new(),
            book: Book::default(),
            machines: Vec::new(),
            places: Vec::new(),
            links: links::Links::default(),
            target: Target::default(),
            clients: Vec::new(),
            triggers: BTreeMap::new(),
            concerned: None,
            era: Era::Faults,
            era_since: 0,
            marks: Marks::default(),
            totals: Totals::default(),
            memory: laws::Memory::default(),
            violation: None,
            trace: traced.then(Vec::new),
            orders,
            numbers: 0,
            script,
        };
        world.populate();
        world
    }

    fn populate(&mut self) {
        (0..self.script.world.members).for_each(|member| self.add_member(member));
        for number in 0..self.script.world.agents.len() {
            let sketch = self.script.world.agents[number].clone();
            self.machines.push(Machine::new(sketch.fast_ppm));
            self.places.push(Place::new(format!("a{number}"), &sketch, number));
            self.start_agent(number);
        }
        self.register_plans();
        for (index, entry) in self.script.entries.clone().iter().enumerate() {
            if let At::Ms(ms) = entry.at {
                self.at(ms, Happening::Scripted(index, None));
            }
        }
        self.at(self.script.world.faults_ms, Happening::Look);
    }

    /// Plays until everything has ended, or a law is broken.
    pub(crate) fn play(&mut self) {
        while self.happen_next(u64::MAX) {}
        self.conclude();
    }

    /// Plays what happens up to this time.
    pub(crate) fn play_until(&mut self, ms: u64) {
        while self.happen_next(ms) {}
        self.now = self.now.max(ms);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.violation.is_some() || self.era == Era::Over
    }

    /// What happens next, if anything does by this time.
    fn happen_next(&mut self, until: u64) -> bool {
        let is_due = self.queue.first_key_value().is_some_and(|((time, _), _)| *time <= until);
        if self.is_over() || !is_due {
            return false;
        }
        if let Some(((time, _), happening)) = self.queue.pop_first() {
            self.now = self.now.max(time);
            self.happen(happening);
        }
        true
    }

    /// Everything has ended.
    pub(crate) fn conclude(&mut self) {
        self.totals.simulated_ms += self.now;
        if self.violation.is_none() {
            laws::at_the_end(self);
        }
    }

    fn happen(&mut self, happening: Happening) {
        if let Some(frozen) = self.is_frozen(&happening) {
            return self.stalled.entry(frozen).or_default().push(happening);
        }
        match happening {
            Happening::Scripted(index, concerned) => {
                self.concerned = concerned;
                self.befall(index);
            }
            Happening::Relief(relief) => self.relieve(relief),
            Happening::Raft { to, from, frame } => self.on_frame(to, from, frame),
            Happening::Member { member, life, timer } => self.on_timer(member, life, timer),
            Happening::Up { member, place, session, message } => {
                self.arrive_up(member, place, session, message);
            }
            Happening::Down { member, place, session, message } => {
                self.arrive_down(member, place, session, message);
            }
            Happening::Agent { place, life, what } => self.in_agent(place, life, what),
            Happening::Attempt { place, token, life, phase } => self.in_attempt(place, token, life, phase),
            Happening::Child { place, token, life, what } => self.in_child(place, token, life, what),
            Happening::Client { client, what } => self.in_client(client, what),
            Happening::Look => self.look(),
        }
    }

    /// Plans that something happens.
    pub(crate) fn at(&mut self, time: u64, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((time.max(self.now), self.sequence), happening);
    }

    /// Plans that something happens so much later.
    pub(crate) fn after(&mut self, ms: u64, happening: Happening) {
        self.at(self.now + ms, happening);
    }

    /// A number that nothing else in this world has.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Between these bounds, by chance.
    pub(crate) fn between(&self, low: u64, high: u64, what: impl std::hash::Hash) -> u64 {
        self.chance.of(what).u64(low..=high.max(low))
    }

    /// Counts how often something happened, and lets befall what the script ties to it.
    pub(crate) fn trigger(&mut self, trigger: Trigger, place: Option<usize>) {
        let count = self.triggers.entry(trigger).or_default();
        *count += 1;
        let at = At::Nth(trigger, *count);
        if self.era != Era::Faults {
            return;
        }
        for index in 0..self.script.entries.len() {
            if self.script.entries[index].at == at {
                self.at(self.now, Happening::Scripted(index, place));
            }
        }
    }

    /// A law is broken; the first one counts.
    pub(crate) fn broken(&mut self, law: &'static str, what: String) {
        let at_ms = self.now;
        self.note(|| format!("BROKEN {law}: {what}"));
        self.violation.get_or_insert(Violation { law, what, at_ms });
    }

    pub(crate) fn hit(&mut self, mark: Mark) {
        self.marks.hit(mark);
    }

    /// A line of the trace.
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>9.3} {}", self.now as f64 / 1000.0, line()));
        }
    }

    pub(crate) fn take_trace(&mut self) -> Vec<String> {
        self.trace.take().unwrap_or_default()
    }

    pub(crate) fn is_sabotaged(&self, sabotage: Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }
}
