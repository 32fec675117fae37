//! Faults befall the world.

use super::links::Line;
use super::relief::{Frozen, Relief};
use super::{Happening, World};
use crate::marks::Mark;
use crate::script::{Act, Way, Who};

impl World {
    pub(super) fn befall(&mut self, index: usize) {
        let act = self.script.entries[index].act.clone();
        self.note(|| format!("-- {act:?}"));
        match act {
            Act::KillLeader { ms } => {
                if let Some(leader) = self.acting() {
                    self.fell_member(leader, ms);
                }
            }
            Act::FreezeLeader { ms } => {
                if let Some(leader) = self.acting() {
                    self.freeze(Frozen::Member(leader), ms);
                }
            }
            Act::KillMember { member, ms } => self.fell_member(member, ms),
            Act::KillAllMembers { ms } => (0..self.members.len()).for_each(|one| self.fell_member(one, ms)),
            Act::IsolateLeader { ms, one_way } => self.isolate_leader(ms, one_way),
            Act::CutMembers { from, to, ms } => self.cut(Line::Members { from, to }, ms),
            Act::WallJump { member, ms } => self.jump(member, ms),
            Act::RegionDown { region, ms } => self.region_down(&region, ms),
            Act::Operator(op) => self.operate(&op),
            Act::KillAgent { who, .. }
            | Act::FreezeAgent { who, .. }
            | Act::FreezeHost { who, .. }
            | Act::FreezeAttempt { who, .. }
            | Act::Reboot { who, .. }
            | Act::LoseFolder { who, .. }
            | Act::LoseJournal { who, .. }
            | Act::CloneFolder { who, .. }
            | Act::KillSupervisor { who, .. }
            | Act::KillChild { who, .. }
            | Act::CutAgent { who, .. } => {
                let place = self.place_of(who);
                self.befall_place(place, act);
            }
        }
    }

    fn place_of(&self, who: Who) -> usize {
        match who {
            Who::Place(place) => place % self.places.len(),
            Who::Concerned => self.concerned.unwrap_or_else(|| {
                let busy = (0..self.places.len()).find(|place| !self.places[*place].children.is_empty());
                busy.unwrap_or(0)
            }),
        }
    }

    fn befall_place(&mut self, place: usize, act: Act) {
        let machine = self.places[place].machine;
        match act {
            Act::KillAgent { ms, .. } => {
                self.note_agent_death(place);
                self.stop_agent(place, false);
                self.after(ms, Happening::Relief(Relief::StartAgent(place)));
            }
            Act::FreezeAgent { ms, .. } => self.freeze(Frozen::Agent(place), ms),
            Act::FreezeHost { ms, .. } => self.freeze(Frozen::Machine(machine), ms),
            Act::FreezeAttempt { pick, ms, .. } => {
                if let Some(token) = self.attempt_in(place, pick) {
                    self.freeze(Frozen::Attempt(place, token), ms);
                }
            }
            Act::Reboot { ms, .. } => {
                self.power_off(machine);
                self.after(ms, Happening::Relief(Relief::Boot(machine)));
            }
            Act::LoseFolder { ms, .. } | Act::LoseJournal { ms, .. } => {
                self.lose(place, matches!(act, Act::LoseFolder { .. }));
                self.after(ms, Happening::Relief(Relief::StartAgent(place)));
            }
            Act::CloneFolder { same_machine, ms, .. } => self.copy_folder(place, same_machine, ms),
            Act::KillSupervisor { pick, orphan, .. } => {
                if let Some(token) = self.attempt_in(place, pick) {
                    self.kill_supervisor(place, token, orphan);
                }
            }
            Act::KillChild { pick, .. } => {
                if let Some(token) = self.attempt_in(place, pick) {
                    self.kill_child(place, token);
                }
            }
            Act::CutAgent { way, member, ms, .. } => self.cut_agent(place, way, member, ms),
            _ => {}
        }
    }

    fn attempt_in(&self, place: usize, pick: u64) -> Option<u64> {
        let tokens: Vec<u64> = self.places[place].supervisors.keys().copied().collect();
        (!tokens.is_empty()).then(|| tokens[pick as usize % tokens.len()])
    }

    fn fell_member(&mut self, member: usize, ms: u64) {
        self.kill_member(member);
        self.after(ms, Happening::Relief(Relief::StartMember(member)));
    }

    fn cut(&mut self, line: Line, ms: u64) {
        if !self.links.is_cut(line) {
            self.order_cut(line, true);
        }
        self.links.cut(line);
        self.after(ms, Happening::Relief(Relief::Mend(line)));
    }

    fn isolate_leader(&mut self, ms: u64, one_way: bool) {
        let Some(leader) = self.acting() else { return };
        for other in (0..self.members.len()).filter(|other| *other != leader) {
            self.cut(Line::Members { from: other, to: leader }, ms);
            if !one_way {
                self.cut(Line::Members { from: leader, to: other }, ms);
            }
        }
    }

    fn cut_agent(&mut self, place: usize, way: Way, member: Option<usize>, ms: u64) {
        for one in 0..self.members.len() {
            if member.is_some_and(|member| member != one) {
                continue;
            }
            if way != Way::Up {
                self.cut(Line::Down { place, member: one }, ms);
            }
            if way != Way::Down {
                self.cut(Line::Up { place, member: one }, ms);
            }
        }
    }

    fn jump(&mut self, member: Option<usize>, ms: i64) {
        for one in 0..self.members.len() {
            if member.is_none_or(|member| member == one) {
                self.members[one].wall_ms += ms;
                let leads = self.members[one].office.is_some();
                if leads && !self.book.state.active.is_empty() {
                    self.hit(Mark::T01);
                }
            }
        }
    }

    fn region_down(&mut self, region: &str, ms: u64) {
        let led = self.acting().is_some_and(|leader| self.members[leader].region == region);
        let here: Vec<usize> =
            (0..self.members.len()).filter(|member| self.members[*member].region == region).collect();
        self.memory.region_with_leader_down |= led && here.len() < self.members.len().div_ceil(2);
        here.into_iter().for_each(|member| self.fell_member(member, ms));
        for machine in self.machines_of(region) {
            self.power_off(machine);
            self.after(ms, Happening::Relief(Relief::Boot(machine)));
        }
    }

    pub(crate) fn machines_of(&self, region: &str) -> Vec<usize> {
        let places = self.places.iter().filter(|place| place.region == region && !place.removed);
        places.map(|place| place.machine).collect()
    }

    pub(crate) fn notice_lost_region(&mut self, running: usize) {
        if std::mem::take(&mut self.memory.region_with_leader_down) && running > 0 {
            self.hit(Mark::G03);
        }
    }

    fn copy_folder(&mut self, place: usize, same_machine: bool, ms: u64) {
        if self.places.len() > 8 || self.places[place].is_copy {
            return;
        }
        let machine = match same_machine {
            true => self.places[place].machine,
            false => {
                self.machines.push(super::Machine::new(0));
                self.machines.len() - 1
            }
        };
        let (number, of) = (self.places.len(), &self.places[place]);
        let sketch = crate::script::AgentSketch { region: of.region.clone(), slots: of.slots, fast_ppm: 0 };
        let (name, disk) = (of.name.clone(), of.disk.clone());
        let mut copy = super::Place::new(name, &sketch, machine);
        (copy.host, copy.disk, copy.is_copy) = (format!("copy {number}"), disk, true);
        self.places.push(copy);
        self.start_agent(number);
        self.after(ms, Happening::Relief(Relief::RemoveCopy(number)));
    }

    /// The copy, and everything that it started, is gone for good.
    pub(crate) fn remove_copy(&mut self, place: usize) {
        if self.places[place].removed {
            return;
        }
        self.stop_agent(place, true);
        self.places[place].supervisors.clear();
        self.places[place].children.clear();
        self.places[place].removed = true;
    }
}
