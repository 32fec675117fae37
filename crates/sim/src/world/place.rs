//! Where an agent lives: a machine with its boot clock, and a data folder with what survives of it.

use std::collections::BTreeMap;

use baton_agent::attempt::{Assignment, Report};
use baton_agent::journal::Facts;
use baton_agent::ledger::Seen;

use super::World;
use super::agent::Process;
use super::supervisor::{Child, Supervisor};
use crate::script::AgentSketch;

/// A machine.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) up: bool,
    pub(crate) boot: u64,
    booted_at: u64,
    fast_ppm: i64,
    /// Gone for good; nothing brings it back.
    pub(crate) scrapped: bool,
}

impl Machine {
    pub(crate) fn new(fast_ppm: i64) -> Machine {
        Machine { up: true, boot: 1, booted_at: 0, fast_ppm, scrapped: false }
    }
}

/// What an attempt leaves on disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folder {
    pub(crate) assignment: Option<Assignment>,
    pub(crate) executing: bool,
    pub(crate) exit: Option<Report>,
    /// An agent that lived was told of the end, and is to make it durable in its journal.
    pub(crate) exit_unsynced: bool,
    pub(crate) stop: Option<String>,
    pub(crate) buried: bool,
}

/// A journal, as far as it is durable.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    pub(crate) incarnation: String,
    pub(crate) facts: Facts,
}

/// A data folder.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    pub(crate) journal: Option<Journal>,
    pub(crate) folders: BTreeMap<u64, Folder>,
    /// The lease as supervisors read it, with its boot.
    pub(crate) lease: Option<(u64, u64)>,
}

/// A data folder on a machine, and the processes around it.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) slots: u32,
    pub(crate) host: String,
    pub(crate) machine: usize,
    pub(crate) disk: Disk,
    pub(crate) process: Option<Process>,
    pub(crate) supervisors: BTreeMap<u64, Supervisor>,
    pub(crate) children: BTreeMap<u64, Child>,
    /// A copied data folder.
    pub(crate) is_copy: bool,
    /// The copy was taken away.
    pub(crate) removed: bool,
}

impl Place {
    pub(crate) fn new(name: String, sketch: &AgentSketch, machine: usize) -> Place {
        Place {
            host: format!("host of {name}"),
            name,
            region: sketch.region.clone(),
            slots: sketch.slots,
            machine,
            disk: Disk::default(),
            process: None,
            supervisors: BTreeMap::new(),
            children: BTreeMap::new(),
            is_copy: false,
            removed: false,
        }
    }

    /// What the attempt's folder shows.
    pub(crate) fn seen(&self, token: u64) -> Seen {
        let folder = self.disk.folders.get(&token).cloned().unwrap_or_default();
        let locked = self.supervisors.contains_key(&token);
        Seen { locked, executing: folder.executing, exit: folder.exit }
    }
}

impl World {
    /// The boot clock of a place, nanoseconds.
    pub(crate) fn boot_ns(&self, place: usize) -> u64 {
        let machine = &self.machines[self.places[place].machine];
        let elapsed = i128::from(self.now - machine.booted_at) * 1_000_000;
        let drift = elapsed * i128::from(machine.fast_ppm) / 1_000_000;
        (1_000_000_000 + elapsed + drift) as u64
    }

    /// When the boot clock of a place shows this.
    pub(crate) fn when_boot_ns(&self, place: usize, until_ns: u64) -> u64 {
        let left_ns = until_ns.saturating_sub(self.boot_ns(place));
        self.now + left_ns.div_ceil(980_000)
    }

    pub(crate) fn boot_id(&self, place: usize) -> String {
        let machine = self.places[place].machine;
        format!("machine {machine} boot {}", self.machines[machine].boot)
    }

    /// The lease as a supervisor reads it.
    pub(crate) fn lease_ns(&self, place: usize) -> u64 {
        let boot = self.machines[self.places[place].machine].boot;
        match self.places[place].disk.lease {
            Some((of, until_ns)) if of == boot => until_ns,
            _ => 0,
        }
    }

    /// The machine loses power.
    pub(crate) fn power_off(&mut self, machine: usize) {
        if !self.machines[machine].up {
            return;
        }
        self.note(|| format!("machine {machine} loses power"));
        self.machines[machine].up = false;
        for place in 0..self.places.len() {
            if self.places[place].machine == machine {
                self.note_power_cut(place);
                self.stop_agent(place, true);
                self.places[place].supervisors.clear();
                self.places[place].children.clear();
                self.lose_unsynced(place);
            }
        }
    }

    /// Markers are not synced, and ends only where no agent lives that has a journal for them.
    fn lose_unsynced(&mut self, place: usize) {
        let chance = self.chance;
        let at = self.now;
        for (token, folder) in &mut self.places[place].disk.folders {
            if std::mem::take(&mut folder.exit_unsynced) && chance.percent(50, ("exit", place, token, at)) {
                folder.exit = None;
            }
            if folder.exit.is_none() && chance.percent(50, ("marker", place, token, at)) {
                folder.executing = false;
            }
        }
    }

    pub(crate) fn boot(&mut self, machine: usize) {
        let now = self.now;
        let seen = &mut self.machines[machine];
        if seen.up || seen.scrapped {
            return;
        }
        (seen.up, seen.booted_at) = (true, now);
        seen.boot += 1;
        self.note(|| format!("machine {machine} boots"));
        for place in 0..self.places.len() {
            if self.places[place].machine == machine {
                self.start_agent(place);
            }
        }
    }
}
