//! Supervisors and the processes that they keep, by the rules of `agent/src/supervisor`: marker, last check, execution,
//! effect, exit record, and an end at every point between.

use std::collections::BTreeMap;

use baton_agent::attempt::{Action, Assignment, Outcome, Report};

use super::agent::Inner;
use super::relief::Frozen;
use super::target::{CANNOT_SAY, Deed};
use super::{Happening, World};
use crate::marks::Mark;
use crate::sabotage::Sabotage;
use crate::script::Trigger;

/// How long a process that may be repeated can take over its end once the lease is over, milliseconds.
const LAPSED_GRACE_MS: u64 = 200;

/// How far a supervisor comes next.
#[derive(Debug, Clone)]
pub(crate) enum Phase {
    /// It takes the lock and reads what to do.
    Identify,
    /// The marker is on disk.
    Marked,
    /// The last checks are made, and nothing stands between them and the execution.
    Execute,
    /// It was told to end, or wakes to look at its deadlines.
    Interrupt,
    /// What was asked to end is ended.
    Killed(Ended),
    /// The exit record is written, and durable where no agent lives.
    Recorded(Report),
}

/// How the action came to its end.
#[derive(Debug, Clone)]
pub(crate) enum Ended {
    Exited(i32),
    Signalled,
    TimedOut,
    Stopped(String),
    LeaseLapsed,
    Abandoned(String),
}

/// What a step's process does.
#[derive(Debug, Clone)]
pub(crate) enum ChildDoes {
    Act,
    Exit,
}

/// The process that keeps one attempt.
#[derive(Debug)]
pub(crate) struct Supervisor {
    pub(crate) life: u64,
    pub(crate) assignment: Assignment,
    until_ns: u64,
    /// It is on its way to an end.
    ending: bool,
    frozen_at_check: bool,
}

/// A step's process.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) life: u64,
    pub(crate) assignment: Assignment,
    pub(crate) deed: Deed,
    /// It stood still for a while, or lost its supervisor: it may act late, within the honest limit.
    pub(crate) slipped: bool,
}

impl Supervisor {
    pub(super) fn new(life: u64, assignment: Assignment) -> Supervisor {
        Supervisor { life, assignment, until_ns: u64::MAX, ending: false, frozen_at_check: false }
    }
}

impl World {
    pub(super) fn in_supervisor(&mut self, place: usize, token: u64, ms: u64, phase: Phase) {
        if let Some(life) = self.places[place].supervisors.get(&token).map(|one| one.life) {
            self.after(ms, Happening::Attempt { place, token, life, phase });
        }
    }

    pub(super) fn in_attempt(&mut self, place: usize, token: u64, life: u64, phase: Phase) {
        if self.places[place].supervisors.get(&token).is_none_or(|one| one.life != life) {
            return;
        }
        match phase {
            Phase::Identify => self.identify(place, token),
            Phase::Marked => self.check_last(place, token),
            Phase::Execute => self.execute(place, token),
            Phase::Interrupt => self.interrupt(place, token),
            Phase::Killed(ended) => {
                self.places[place].children.remove(&token);
                self.write_exit(place, token, ended);
            }
            Phase::Recorded(report) => self.recorded(place, token, report),
        }
    }

    fn identify(&mut self, place: usize, token: u64) {
        let folder = self.places[place].disk.folders.get(&token).cloned().unwrap_or_default();
        if folder.buried || folder.exit.is_some() {
            return self.let_go_of(place, token);
        }
        let ms = self.between(1, self.script.world.sync_ms, ("mark", place, token));
        self.in_supervisor(place, token, ms, Phase::Marked);
    }

    /// The last checks (Z02).
    fn check_last(&mut self, place: usize, token: u64) {
        let (now_ns, lease_ns) = (self.boot_ns(place), self.lease_ns(place));
        let Some(folder) = self.places[place].disk.folders.get_mut(&token) else { return };
        folder.executing = true;
        if let Some(reason) = folder.stop.clone() {
            let ended = Ended::Abandoned(format!("stopped before it started: {reason}"));
            return self.write_exit(place, token, ended);
        }
        if now_ns >= lease_ns && !self.is_sabotaged(Sabotage::LeaseUnchecked) {
            let froze = self.places[place].process.as_ref().is_some_and(|process| process.frozen_begin);
            if froze || self.places[place].supervisors.get(&token).is_some_and(|one| one.frozen_at_check) {
                self.hit(Mark::Z02);
            }
            let ended = Ended::Abandoned("the agent's lease ran out before it started".into());
            return self.write_exit(place, token, ended);
        }
        let Some(supervisor) = self.places[place].supervisors.get_mut(&token) else { return };
        let timeout_ns = supervisor.assignment.timeout_ms * 1_000_000;
        supervisor.until_ns = now_ns + if timeout_ns == 0 { u64::MAX / 4 } else { timeout_ns };
        self.trigger(Trigger::Checked, Some(place));
        self.in_supervisor(place, token, 1, Phase::Execute);
    }

    fn execute(&mut self, place: usize, token: u64) {
        let Some(supervisor) = self.places[place].supervisors.get(&token) else { return };
        let (life, assignment) = (supervisor.life, supervisor.assignment.clone());
        let slipped = supervisor.frozen_at_check;
        if slipped && self.boot_ns(place) >= self.lease_ns(place) {
            self.hit(Mark::Z02);
        }
        let deed = self.deed(&assignment);
        if !assignment.idempotent {
            self.totals.once_executed += 1;
        }
        self.note(|| format!("place {place} executes {} as {deed:?}", assignment.key));
        if let Some(ms) = deed.acts_after_ms {
            self.after(ms, Happening::Child { place, token, life, what: ChildDoes::Act });
        }
        self.after(deed.lasts_ms, Happening::Child { place, token, life, what: ChildDoes::Exit });
        self.places[place].children.insert(token, Child { life, assignment, deed, slipped });
        self.trigger(Trigger::Executing, Some(place));
        self.plan_interrupt(place, token);
    }

    /// It wakes at its next deadline: its time, and of what may be repeated the lease.
    fn plan_interrupt(&mut self, place: usize, token: u64) {
        let lease_ns = self.lease_ns(place);
        let Some(supervisor) = self.places[place].supervisors.get(&token) else { return };
        let lease = supervisor.assignment.idempotent.then_some(lease_ns);
        let next_ns = lease.into_iter().chain([supervisor.until_ns]).min().unwrap_or(u64::MAX);
        let ms = self.when_boot_ns(place, next_ns).saturating_sub(self.now).clamp(1, 1000);
        self.in_supervisor(place, token, ms, Phase::Interrupt);
    }

    fn interrupt(&mut self, place: usize, token: u64) {
        let (now_ns, lease_ns) = (self.boot_ns(place), self.lease_ns(place));
        let stop = self.places[place].disk.folders.get(&token).and_then(|folder| folder.stop.clone());
        let running = self.places[place].children.contains_key(&token);
        let unchecked = self.is_sabotaged(Sabotage::LeaseUnchecked);
        let Some(supervisor) = self.places[place].supervisors.get_mut(&token) else { return };
        if supervisor.ending || !running {
            return;
        }
        let idempotent = supervisor.assignment.idempotent;
        let lapsed = idempotent && now_ns >= lease_ns && !unchecked;
        let ended = match stop {
            Some(reason) => Ended::Stopped(reason),
            None if now_ns >= supervisor.until_ns => Ended::TimedOut,
            None if lapsed => Ended::LeaseLapsed,
            None => return self.plan_interrupt(place, token),
        };
        supervisor.ending = true;
        // What is asked to end may take its time over it.
        let grace = self.between(0, 1, ("grace", place, token)) * self.between(1, 1000, ("grace ms", token));
        let until_lapse = lease_ns.saturating_sub(now_ns) / 1_000_000;
        let grace = if idempotent && !unchecked { grace.min(until_lapse + LAPSED_GRACE_MS) } else { grace };
        self.in_supervisor(place, token, grace, Phase::Killed(ended));
    }

    pub(super) fn in_child(&mut self, place: usize, token: u64, life: u64, what: ChildDoes) {
        let Some(child) = self.places[place].children.get(&token).filter(|child| child.life == life) else {
            return;
        };
        match what {
            ChildDoes::Act => self.act(place, token),
            ChildDoes::Exit => {
                let exit = child.deed.exit;
                self.places[place].children.remove(&token);
                let ended = exit.map_or(Ended::Signalled, Ended::Exited);
                let keeps = self.places[place].supervisors.get_mut(&token);
                if let Some(supervisor) = keeps.filter(|one| one.life == life && !one.ending) {
                    supervisor.ending = true;
                    self.write_exit(place, token, ended);
                }
            }
        }
    }

    fn write_exit(&mut self, place: usize, token: u64, ended: Ended) {
        let Some(supervisor) = self.places[place].supervisors.get_mut(&token) else { return };
        supervisor.ending = true;
        let assignment = supervisor.assignment.clone();
        let mut report = report(&assignment, &ended);
        if assignment.probe {
            report.outcome = self.asked(&assignment);
        }
        let ms = self.between(1, self.script.world.sync_ms, ("exit", place, token));
        self.in_supervisor(place, token, ms, Phase::Recorded(report));
    }

    fn recorded(&mut self, place: usize, token: u64, report: Report) {
        let told = self.places[place].process.is_some();
        if let Some(folder) = self.places[place].disk.folders.get_mut(&token) {
            folder.exit = Some(report);
            folder.exit_unsynced = told;
        }
        self.note_finished_while_cut(place, token);
        self.let_go_of(place, token);
        self.trigger(Trigger::Exited, Some(place));
    }

    /// The supervisor is gone, and its lock with it.
    pub(crate) fn let_go_of(&mut self, place: usize, token: u64) {
        self.places[place].supervisors.remove(&token);
        self.inner(place, 1, Inner::Notice(token));
    }

    /// A supervisor dies: its child with it, unless that has left its reach.
    pub(crate) fn kill_supervisor(&mut self, place: usize, token: u64, orphan: bool) {
        self.note(|| format!("the supervisor of {token} in place {place} dies"));
        match self.places[place].children.get_mut(&token).filter(|_| orphan) {
            Some(child) => child.slipped = true,
            None => drop(self.places[place].children.remove(&token)),
        }
        self.let_go_of(place, token);
    }

    pub(crate) fn kill_child(&mut self, place: usize, token: u64) {
        let Some(child) = self.places[place].children.remove(&token) else { return };
        self.note(|| format!("the process of {token} in place {place} is killed"));
        let keeps = self.places[place].supervisors.get_mut(&token);
        if let Some(supervisor) = keeps.filter(|one| one.life == child.life && !one.ending) {
            supervisor.ending = true;
            self.write_exit(place, token, Ended::Signalled);
        }
    }

    /// Remembers who stood still, and where.
    pub(crate) fn note_freeze(&mut self, whom: Frozen) {
        for place in 0..self.places.len() {
            let machine = self.places[place].machine;
            let (all, agent) = (whom == Frozen::Machine(machine), whom == Frozen::Agent(place));
            let seen = &mut self.places[place];
            if (all || agent) && seen.process.is_some() {
                if let Some(process) = &mut seen.process {
                    process.frozen_begin = true;
                }
                if !seen.children.is_empty() {
                    self.marks.hit(if all { Mark::Z04 } else { Mark::Z03 });
                }
            }
            let still = |token: u64| all || whom == Frozen::Attempt(place, token);
            for (token, supervisor) in seen.supervisors.iter_mut().filter(|(token, _)| still(**token)) {
                supervisor.frozen_at_check |= !seen.children.contains_key(token);
            }
            for (_, child) in seen.children.iter_mut().filter(|(token, _)| still(**token)) {
                child.slipped = true;
            }
        }
    }
}

/// What an end means for its step, as `supervisor/ended.rs` has it.
fn report(of: &Assignment, ended: &Ended) -> Report {
    let cut_short = if of.idempotent { Outcome::Failed } else { Outcome::Unknown };
    let (outcome, exit_code, reason) = match ended {
        Ended::Exited(0) => (Outcome::Succeeded, Some(0), String::new()),
        Ended::Exited(CANNOT_SAY) if matches!(of.action, Action::Call(_)) => {
            (cut_short, None, "the answer was lost".into())
        }
        Ended::Exited(code) => (Outcome::Failed, Some(*code), format!("exited with {code}")),
        Ended::Signalled => (Outcome::Unknown, None, "killed by signal 9".into()),
        Ended::TimedOut => (cut_short, None, "timed out".into()),
        Ended::Stopped(reason) => (cut_short, None, format!("stopped: {reason}")),
        Ended::LeaseLapsed => (Outcome::Unknown, None, "the agent's lease ran out while it ran".into()),
        Ended::Abandoned(reason) => (Outcome::NotStarted, None, reason.clone()),
    };
    let outcome = match (of.probe, &of.action) {
        (true, Action::Command(_) | Action::Call(_)) if exit_code.is_none() => Outcome::Unknown,
        _ => outcome,
    };
    let outputs = BTreeMap::new();
    Report { exit_code, outputs, probe: of.probe, ..Report::bare(of.key.clone(), outcome, reason) }
}
