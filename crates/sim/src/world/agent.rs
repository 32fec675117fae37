//! An agent's process: the real ledger, with a simulated shell around it that performs what it decides.

use std::collections::BTreeSet;

use baton_agent::attempt::{Assignment, Key, Report};
use baton_agent::journal::{Fact, Facts, Open};
use baton_agent::lease::Renewals;
use baton_agent::ledger::{Decision, Event, Ledger};
use baton_engine::command::{Join, Speaker};

use super::leases::{LEASE_MS, RENEW_MS};
use super::session::{Down, Up};
use super::{Happening, Order, Place, Site, World};
use crate::marks::Mark;
use crate::sabotage::Sabotage;
use crate::script::Trigger;

/// Between two searches for the leader.
const SEEK_MS: u64 = 250;
/// After a refusal.
const REFUSED_MS: u64 = 2000;

/// Inside of an agent's process.
#[derive(Debug, Clone)]
pub(crate) enum Inner {
    /// Of this search; an earlier one is over.
    Seek(u64),
    Renew(u64),
    Synced,
    Launch(Assignment),
    Notice(u64),
    Bury(Key),
    Sweep(Key),
}

/// The stream to a leader.
struct Stream {
    id: u64,
    member: usize,
    renewals: Renewals,
}

/// An agent that runs.
pub(crate) struct Process {
    pub(crate) life: u64,
    pub(crate) ledger: Ledger,
    pub(crate) incarnation: String,
    /// Lines that are on their way to the disk, and whose token waits for them.
    lines: Vec<(Vec<Fact>, Option<u64>)>,
    /// How many of them the sync that runs takes along.
    syncing: usize,
    stream: Option<Stream>,
    /// How often it has lost its leader and searched anew.
    searches: u64,
    asked: BTreeSet<u64>,
    highest_term: u64,
    not_before: u64,
    pub(crate) frozen_begin: bool,
}

impl World {
    /// Starts the agent of a place, if it does not run and its machine does.
    pub(crate) fn start_agent(&mut self, place: usize) {
        let seen = &self.places[place];
        if seen.process.is_some() || seen.removed || !self.machines[seen.machine].up {
            return;
        }
        let journal = self.recover(place);
        if journal.facts.open.values().any(|open| matches!(open, Open::Finished(_))) {
            self.hit(Mark::A07);
        }
        let life = self.number();
        let ledger = Ledger::restore(journal.facts, self.places[place].slots, &self.boot_id(place));
        let unsettled = ledger.unsettled();
        self.note(|| {
            format!("agent in place {place} starts as {} and looks at {unsettled:?}", journal.incarnation)
        });
        self.places[place].process = Some(Process {
            life,
            ledger,
            incarnation: journal.incarnation,
            lines: Vec::new(),
            syncing: 0,
            stream: None,
            searches: 0,
            asked: BTreeSet::new(),
            highest_term: 0,
            not_before: 0,
            frozen_begin: false,
        });
        if self.order(Order::Start(Site::Place(place))) {
            return;
        }
        for token in unsettled {
            let seen = self.places[place].seen(token);
            self.note_return(&seen);
            self.hear_event(place, Event::Seen { token, seen });
        }
        self.inner(place, 1, Inner::Seek(0));
    }

    /// The agent's process ends; after a power cut nothing is left of what was not synced.
    pub(crate) fn stop_agent(&mut self, place: usize, power_cut: bool) {
        let Some(process) = self.places[place].process.take() else { return };
        self.note(|| format!("agent in place {place} dies"));
        let survive = match power_cut {
            true => 0,
            false => self.between(0, process.lines.len() as u64, ("lines", place, process.life)) as usize,
        };
        let lines: Vec<Fact> = process.lines.into_iter().take(survive).flat_map(|(facts, _)| facts).collect();
        self.make_durable(place, lines);
        if !power_cut {
            // A supervisor whose agent is gone makes durable what it told it.
            let folders = self.places[place].disk.folders.values_mut();
            folders.for_each(|folder| folder.exit_unsynced = false);
        }
        self.order(Order::Stop(Site::Place(place)));
        if let Some(stream) = process.stream {
            self.send_up(place, stream.member, stream.id, Up::Close);
        }
    }

    fn make_durable(&mut self, place: usize, facts: Vec<Fact>) {
        if let Some(journal) = &mut self.places[place].disk.journal {
            facts.into_iter().for_each(|fact| journal.facts.absorb(fact));
        }
    }

    pub(crate) fn inner(&mut self, place: usize, ms: u64, what: Inner) {
        if let Some(life) = self.places[place].process.as_ref().map(|process| process.life) {
            self.after(ms, Happening::Agent { place, life, what });
        }
    }

    pub(super) fn in_agent(&mut self, place: usize, life: u64, what: Inner) {
        if self.places[place].process.as_ref().is_none_or(|process| process.life != life) {
            return;
        }
        match what {
            Inner::Seek(search) => self.seek(place, search),
            Inner::Renew(session) => self.renew(place, session),
            Inner::Synced => self.synced(place),
            Inner::Launch(assignment) => self.launch(place, assignment),
            Inner::Notice(token) => {
                let seen = self.places[place].seen(token);
                self.hear_event(place, Event::Seen { token, seen });
            }
            Inner::Bury(key) => self.bury(place, key),
            Inner::Sweep(key) => self.sweep(place, key),
        }
    }

    fn process(&mut self, place: usize) -> Option<&mut Process> {
        self.places[place].process.as_mut()
    }

    fn seek(&mut self, place: usize, search: u64) {
        let now = self.now;
        let Some(process) = self.process(place) else { return };
        if process.stream.is_some() || process.searches != search {
            return;
        }
        let (waits, held) = (process.not_before > now, process.ledger.held());
        if !waits {
            let join = self.join_of(place);
            for member in 0..self.members.len() {
                let session = self.number();
                if let Some(process) = self.process(place) {
                    process.asked.insert(session);
                }
                let hello = Up::Hello { join: join.clone(), held: held.clone() };
                self.send_up(place, member, session, hello);
            }
        }
        self.inner(place, SEEK_MS, Inner::Seek(search));
    }

    fn join_of(&self, place: usize) -> Join {
        let seen = &self.places[place];
        let incarnation = seen.process.as_ref().map(|process| process.incarnation.clone());
        Join {
            speaker: Speaker { agent: seen.name.clone(), incarnation: incarnation.unwrap_or_default() },
            region: seen.region.clone(),
            host: seen.host.clone(),
            boot: self.boot_id(place),
            slots: seen.slots,
            labels: Default::default(),
        }
    }

    pub(super) fn arrive_down(&mut self, member: usize, place: usize, id: u64, message: Down) {
        if !self.links.is_down(place, member) {
            return self.links.hold(Happening::Down { member, place, session: id, message });
        }
        let now_ns = self.boot_ns(place);
        let Some(process) = self.process(place) else { return };
        let own = process.stream.as_mut().filter(|stream| stream.id == id);
        let own = own.map(|stream| stream.renewals.heard(now_ns)).is_some();
        match message {
            Down::Welcome { term } => self.welcomed(member, place, id, term),
            Down::Refused(reason) => self.refused(place, id, own, reason),
            _ if !own => {}
            Down::Close => self.lose_stream(place),
            Down::Renewed(sequence) => {
                let answered = process.stream.as_mut().and_then(|one| one.renewals.answered(sequence));
                if let Some(until_ns) = answered {
                    self.extend_lease(place, until_ns);
                }
            }
            Down::Assign(assignment) => {
                self.trigger(Trigger::Assigned, Some(place));
                self.memory.delivered(assignment.key.token);
                self.hear_event(place, Event::Assigned(assignment));
            }
            Down::Stop { key, reason } => self.hear_event(place, Event::Stop { key, reason }),
            Down::BeginAnswer { key, begun, reason } => {
                if !begun && process.frozen_begin {
                    self.hit(Mark::Z01);
                }
                self.hear_event(place, Event::BeginAnswered { key, begun, reason });
            }
            Down::Acknowledged(key) => {
                crate::laws::acknowledged::report(self, place, &key);
                self.hear_event(place, Event::Acknowledged(key));
            }
        }
    }

    fn welcomed(&mut self, member: usize, place: usize, id: u64, term: u64) {
        let now_ns = self.boot_ns(place);
        let Some(process) = self.process(place) else { return };
        if process.stream.is_some() || !process.asked.remove(&id) || term < process.highest_term {
            return self.send_up(place, member, id, Up::Close);
        }
        process.highest_term = term;
        process.asked.clear();
        process.stream = Some(Stream { id, member, renewals: Renewals::new(LEASE_MS, now_ns) });
        self.hear_event(place, Event::Connected);
        self.renew(place, id);
    }

    fn refused(&mut self, place: usize, id: u64, own: bool, reason: String) {
        let not_before = self.now + REFUSED_MS;
        let Some(process) = self.process(place) else { return };
        if own || process.asked.contains(&id) {
            process.not_before = not_before;
            self.note(|| format!("agent in place {place} is refused: {reason}"));
            if own {
                self.lose_stream(place);
            }
        }
    }

    /// An agent asks to come, and a leader will not have it.
    pub(crate) fn is_somebody_refused(&self) -> bool {
        if self.orders.is_some() {
            return self.places.iter().any(|place| place.process.is_some() && !self.is_joined(place));
        }
        let lately = self.now.saturating_sub(REFUSED_MS);
        let processes = self.places.iter().filter_map(|place| place.process.as_ref());
        processes.filter(|process| process.stream.is_none()).any(|process| process.not_before > lately)
    }

    /// The cluster knows the agent of this place, under the journal that it has.
    fn is_joined(&self, place: &Place) -> bool {
        let incarnation = place.process.as_ref().map(|process| &process.incarnation);
        let known = self.book.state.agents.by_name.get(&place.name).filter(|agent| agent.live);
        known.is_some_and(|agent| Some(&agent.join.speaker.incarnation) == incarnation)
    }

    fn lose_stream(&mut self, place: usize) {
        if let Some(process) = self.process(place)
            && process.stream.take().is_some()
        {
            process.searches += 1;
            let search = process.searches;
            self.hear_event(place, Event::Disconnected);
            self.inner(place, SEEK_MS / 2, Inner::Seek(search));
        }
    }

    fn renew(&mut self, place: usize, session: u64) {
        let now_ns = self.boot_ns(place);
        let Some(process) = self.process(place) else { return };
        let Some(stream) = process.stream.as_mut().filter(|stream| stream.id == session) else { return };
        let member = stream.member;
        if stream.renewals.silent_ns(now_ns) > 2 * RENEW_MS * 1_000_000 {
            self.send_up(place, member, session, Up::Close);
            return self.lose_stream(place);
        }
        let (sequence, answered) = stream.renewals.send(now_ns);
        self.send_up(place, member, session, Up::Renew { sequence, answered });
        if self.is_sabotaged(Sabotage::LeaseBySending) {
            self.extend_lease(place, now_ns + LEASE_MS * 1_000_000);
        }
        self.inner(place, RENEW_MS, Inner::Renew(session));
    }

    fn extend_lease(&mut self, place: usize, until_ns: u64) {
        let boot = self.machines[self.places[place].machine].boot;
        self.places[place].disk.lease = Some((boot, until_ns));
        self.hear_event(place, Event::Renewed { until_ns });
    }

    /// Tells the ledger, and does what it decides.
    pub(crate) fn hear_event(&mut self, place: usize, event: Event) {
        let now_ns = self.boot_ns(place);
        let told = self.trace.is_some().then(|| format!("{event:?}"));
        if self.orders.is_some() {
            self.order(Order::Hear(place, event));
            return;
        }
        let Some(process) = self.places[place].process.as_mut() else { return };
        let decisions = process.ledger.apply(event, now_ns);
        if let Some(told) = told {
            self.note(|| format!("place {place}: {told} -> {decisions:?}"));
        }
        decisions.into_iter().for_each(|decision| self.perform(place, decision));
    }

    pub(crate) fn perform(&mut self, place: usize, decision: Decision) {
        match decision {
            Decision::AskBegin(key) if self.is_sabotaged(Sabotage::SkipBegin) => {
                let reason = String::new();
                self.hear_event(place, Event::BeginAnswered { key, begun: true, reason });
            }
            Decision::AskBegin(key) => self.say(place, Up::Begin(key)),
            Decision::Journal { token, facts } => self.write_lines(place, facts, Some(token)),
            Decision::Forget { token, journaled, has_folder } => {
                if journaled {
                    self.write_lines(place, vec![Fact::Acknowledged { token }], None);
                }
                let removed = self.places[place].disk.folders.remove(&token);
                assert!(has_folder || removed.is_none(), "the folder of token {token} would have been left");
            }
            Decision::Start(assignment) => {
                let ms = self.between(1, 4, ("launch", place, assignment.key.token));
                self.inner(place, ms, Inner::Launch(assignment));
            }
            Decision::Adopt(key) => self.adopt(place, key.token),
            Decision::End { token, reason } => self.tell_to_end(place, token, reason),
            Decision::Bury(key) => self.inner(place, 2, Inner::Bury(key)),
            Decision::Sweep(key) => self.inner(place, 3, Inner::Sweep(key)),
            Decision::Report(report) => self.say(place, Up::Report(report)),
            // Nobody restores a cluster here.
            Decision::Refuse { .. } | Decision::Recount { .. } => {}
        }
    }

    fn say(&mut self, place: usize, message: Up) {
        let Some(process) = self.process(place) else { return };
        let Some((member, id)) = process.stream.as_ref().map(|stream| (stream.member, stream.id)) else {
            return;
        };
        self.send_up(place, member, id, message);
    }

    pub(crate) fn write_lines(&mut self, place: usize, facts: Vec<Fact>, token: Option<u64>) {
        if matches!(facts.first(), Some(Fact::Started(_))) {
            self.trigger(Trigger::Starting, Some(place));
        }
        let froze = self.places[place].process.as_ref().is_some_and(|process| process.frozen_begin);
        if froze && matches!(facts.first(), Some(Fact::Abandoned { .. })) {
            self.hit(Mark::Z02);
        }
        let early =
            self.is_sabotaged(Sabotage::ActBeforeDurable) && matches!(facts.first(), Some(Fact::Started(_)));
        let Some(process) = self.process(place) else { return };
        process.lines.push((facts, token.filter(|_| !early)));
        self.sync(place);
        if let Some(token) = token.filter(|_| early) {
            self.hear_event(place, Event::Durable(token));
        }
    }

    /// One sync takes along everything that waits.
    fn sync(&mut self, place: usize) {
        let (longest, lot) = (self.script.world.sync_ms, self.sequence);
        let Some(process) = self.process(place) else { return };
        let wanted = process.lines.iter().any(|(_, token)| token.is_some()) || process.lines.len() > 8;
        if process.syncing == 0 && wanted {
            process.syncing = process.lines.len();
            let ms = self.between(1, longest, ("sync", place, lot));
            self.inner(place, ms, Inner::Synced);
        }
    }

    fn synced(&mut self, place: usize) {
        let Some(process) = self.process(place) else { return };
        let lines: Vec<_> = process.lines.drain(..process.syncing).collect();
        process.syncing = 0;
        for (facts, token) in lines {
            let point = match facts.last() {
                Some(Fact::Started(_)) => Some(Trigger::Started),
                Some(Fact::Finished(_)) => Some(Trigger::Finished),
                _ => None,
            };
            self.make_durable(place, facts);
            if let Some(point) = point {
                self.trigger(point, Some(place));
            }
            if let Some(token) = token {
                self.hear_event(place, Event::Durable(token));
            }
        }
        self.sync(place);
    }

    /// The agent learns of an end that was decided beside a supervisor.
    pub(crate) fn ended(&mut self, place: usize, report: Report) {
        self.hear_event(place, Event::Ended(report));
    }

    /// What the agent keeps on offering.
    pub(crate) fn outbox(&self, place: usize) -> usize {
        let Some(process) = &self.places[place].process else { return 0 };
        if self.orders.is_none() {
            return process.ledger.held().len();
        }
        // A real agent's ledger is its own; its journal says the same, with the lines that nobody waits for.
        let mut facts = self.facts(place);
        let waiting = process.lines.iter().flat_map(|(facts, _)| facts.iter().cloned());
        waiting.for_each(|fact| facts.absorb(fact));
        facts.open.len()
    }

    pub(crate) fn facts(&self, place: usize) -> Facts {
        self.places[place].disk.journal.as_ref().map(|journal| journal.facts.clone()).unwrap_or_default()
    }
}
