//! A leader's term of office, by the rules of `node/src/leader`: one way into the log, leases, ticks and conditions.

use std::collections::{BTreeMap, BTreeSet};

use baton_engine::command::{AttemptKey, Speaker, Subject};
use baton_engine::{Answer, Batch, Command, Rejection, Reply, Stamp, State};

use super::leases::{Lease, Leases};
use super::raft::{Timer, timer};
use super::session::{Session, Up};
use super::{Era, World};
use crate::marks::Mark;
use crate::sabotage::Sabotage;

/// After so long without an answer from a quorum, the caller is told that nobody knows.
const PATIENCE_MS: u64 = 4000;
/// How long a proposal that failed for want of a quorum waits before it is made again.
pub(crate) const TRY_AGAIN_MS: u64 = 50;
/// A quorum must have answered within this, or nothing is promised to agents: a newer leader could have been elected.
const QUORUM_FRESH_MS: u64 = 500;

/// Which expression of which step of which run.
type Question = (String, String, SubjectKey);

/// A subject that can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SubjectKey {
    When,
    Gate,
    Success(u64),
}

/// Who waits for a proposal's answer.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    Office,
    Join { session: u64, before: Option<Lease> },
    Begin { session: u64, key: AttemptKey },
    Report { session: u64, key: AttemptKey },
    Expire(Speaker),
    Tick,
    Evaluate(Question),
    Client { client: usize, attempt: u32 },
}

/// What a caller is told.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    Done(Answer),
    Rejected(Rejection),
    NotLeader,
    Unknown,
}

struct Flight {
    index: usize,
    callers: Vec<Caller>,
}

/// What a leader has while it leads.
pub(crate) struct Office {
    pub(crate) term: u64,
    /// It has been written into the log.
    pub(crate) holds: bool,
    base_ms: u64,
    base_at: u64,
    pub(crate) leases: Leases,
    pub(crate) sessions: BTreeMap<u64, Session>,
    queue: Vec<(Command, Caller)>,
    flight: Option<Flight>,
    under_way: BTreeSet<Question>,
    ticking: bool,
    /// A quorum had answered lately when it looked last.
    fresh: bool,
    wake_at: Option<u64>,
    /// What it knows, where others know more.
    pub(crate) behind: Option<State>,
}

impl World {
    /// What a leader reads.
    pub(crate) fn view(&self, member: usize) -> &State {
        let office = self.members[member].office.as_ref();
        office.and_then(|office| office.behind.as_ref()).unwrap_or(&self.book.state)
    }

    pub(crate) fn open_office(&mut self, member: usize) {
        let seen = &self.members[member];
        let base_ms = self.book.state.stamp.time_ms + (self.now - seen.applied_at);
        let office = Office {
            term: seen.term,
            holds: false,
            base_ms,
            base_at: self.now,
            leases: Leases::default(),
            sessions: BTreeMap::new(),
            queue: Vec::new(),
            flight: None,
            under_way: BTreeSet::new(),
            ticking: false,
            fresh: true,
            wake_at: None,
            behind: None,
        };
        self.members[member].office = Some(office);
        self.propose_office(member);
    }

    pub(crate) fn propose_office(&mut self, member: usize) {
        self.propose(member, Command::TakeOffice { node: member as u64 }, Caller::Office);
    }

    /// The office is over: nobody who waits hears anything of use.
    pub(crate) fn close_office(&mut self, member: usize, why: &str) {
        let Some(mut office) = self.members[member].office.take() else { return };
        self.note(|| format!("member {member} leaves its office of term {}: {why}", office.term));
        if office.flight.is_some() && office.holds {
            self.hit(Mark::M02);
        }
        for (id, session) in std::mem::take(&mut office.sessions) {
            self.send_down(member, session.place, id, super::session::Down::Close);
        }
        let stamp = self.stamp_of(member, &office);
        let waiting: Vec<(Command, Caller)> = std::mem::take(&mut office.queue);
        let commands: Vec<Command> = waiting.iter().map(|(command, _)| command.clone()).collect();
        if !commands.is_empty() && self.chance.percent(50, ("late", member, office.term)) {
            self.members[member].leftovers.push(Batch { stamp, term: office.term, commands });
        }
        let in_flight = office.flight.take().map(|flight| flight.callers).unwrap_or_default();
        for caller in waiting.into_iter().map(|(_, caller)| caller).chain(in_flight) {
            if let Caller::Client { client, attempt } = caller {
                self.answer_client(client, attempt, Told::Unknown);
            }
        }
    }

    fn stamp_of(&self, member: usize, office: &Office) -> Stamp {
        let time_ms = office.base_ms + (self.now - office.base_at);
        let wall_ms = 1_700_000_000_000 + self.now as i64 + self.members[member].wall_ms;
        Stamp { time_ms, wall_ms }
    }

    /// The only way into the log.
    pub(crate) fn propose(&mut self, member: usize, command: Command, caller: Caller) {
        let Some(office) = self.members[member].office.as_mut() else { return };
        office.queue.push((command, caller));
        self.wake(member, 0);
    }

    /// Lets the office look around so much later, or earlier where that is planned.
    pub(crate) fn wake(&mut self, member: usize, ms: u64) {
        let (now, life) = (self.now, self.members[member].life);
        let Some(office) = self.members[member].office.as_mut() else { return };
        if office.wake_at.is_some_and(|at| at >= now && at <= now + ms) {
            return;
        }
        office.wake_at = Some(now + ms);
        self.after(ms, timer(member, life, Timer::Office));
    }

    pub(crate) fn in_office(&mut self, member: usize) {
        let Some(office) = self.members[member].office.as_mut() else { return };
        office.wake_at = None;
        if office.holds {
            self.expire_leases(member);
            self.keep_deadlines(member);
            self.evaluate(member);
            self.tell_news(member);
        }
        self.write(member);
        self.plan_next_look(member);
    }

    fn plan_next_look(&mut self, member: usize) {
        let Some(office) = self.members[member].office.as_ref().filter(|office| office.holds) else { return };
        let lease = office.leases.next_end();
        let (base_ms, base_at, ticking) = (office.base_ms, office.base_at, office.ticking);
        let deadline = self.view(member).next_deadline_ms().filter(|_| !ticking);
        let deadline = deadline.map(|time_ms| base_at + time_ms.saturating_sub(base_ms));
        let look = (!office.fresh).then_some(self.now + 100);
        if let Some(next) = look.into_iter().chain(lease.filter(|_| office.fresh)).chain(deadline).min() {
            self.wake(member, next.saturating_sub(self.now).max(1));
        }
    }

    fn expire_leases(&mut self, member: usize) {
        let (now, fresh) = (self.now, self.is_fresh(member));
        let Some(office) = self.members[member].office.as_mut() else { return };
        let was_fresh = std::mem::replace(&mut office.fresh, fresh);
        if !fresh {
            return;
        }
        if !was_fresh {
            office.leases.restart(now);
        }
        for speaker in office.leases.expired(now) {
            self.note(|| format!("the lease of {} ran out at member {member}", speaker.agent));
            let command = Command::ExpireAgent { speaker: speaker.clone() };
            self.propose(member, command, Caller::Expire(speaker));
        }
    }

    fn keep_deadlines(&mut self, member: usize) {
        let deadline = self.view(member).next_deadline_ms();
        let now = self.now;
        let Some(office) = self.members[member].office.as_mut() else { return };
        let time_ms = office.base_ms + (now - office.base_at);
        if !office.ticking && deadline.is_some_and(|deadline| deadline <= time_ms) {
            office.ticking = true;
            self.propose(member, Command::Tick, Caller::Tick);
        }
    }

    fn evaluate(&mut self, member: usize) {
        for one in self.view(member).evaluations() {
            let question = (one.run.clone(), one.step.clone(), subject_key(one.subject));
            let Some(office) = self.members[member].office.as_mut() else { return };
            if office.under_way.insert(question.clone()) {
                let result = self.memory.evaluated(&one);
                let command =
                    Command::Evaluate { run: one.run, step: one.step, subject: one.subject, result };
                let life = self.members[member].life;
                let later = timer(member, life, Timer::Propose(command, Caller::Evaluate(question)));
                self.after(1, later);
            }
        }
    }

    /// One entry at a time: while it is on its way to a quorum, the next one collects.
    fn write(&mut self, member: usize) {
        let Some(office) = self.members[member].office.as_mut() else { return };
        if office.flight.is_some() || office.queue.is_empty() {
            return;
        }
        let (commands, callers): (Vec<_>, Vec<_>) = std::mem::take(&mut office.queue).into_iter().unzip();
        let Some(office) = self.members[member].office.as_ref() else { return };
        let batch = Batch { stamp: self.stamp_of(member, office), term: office.term, commands };
        let index = self.append(member, batch);
        let life = self.members[member].life;
        if let Some(office) = self.members[member].office.as_mut() {
            office.flight = Some(Flight { index, callers });
        }
        self.after(PATIENCE_MS, timer(member, life, Timer::Patience(index)));
    }

    pub(crate) fn lose_patience(&mut self, member: usize, index: usize) {
        let Some(office) = self.members[member].office.as_mut() else { return };
        let Some(flight) = office.flight.take_if(|flight| flight.index == index) else { return };
        flight.callers.into_iter().for_each(|caller| self.tell(member, caller, Told::Unknown));
        self.wake(member, 0);
    }

    /// Entries were applied at this member.
    pub(crate) fn office_applied(&mut self, member: usize) {
        let commit = self.members[member].commit;
        let Some(office) = self.members[member].office.as_mut() else { return };
        if let Some(flight) = office.flight.take_if(|flight| flight.index <= commit) {
            let replies = self.book.replies[flight.index - 1].clone();
            for (caller, reply) in flight.callers.into_iter().zip(replies) {
                self.tell(member, caller, told(reply));
            }
        }
        self.wake(member, 0);
    }

    fn tell(&mut self, member: usize, caller: Caller, told: Told) {
        let (life, in_office) = (self.members[member].life, self.is_in_office(member));
        let mut again = |command: Command, caller: Caller| {
            self.after(TRY_AGAIN_MS, timer(member, life, Timer::Propose(command, caller)));
        };
        match (caller, told) {
            (Caller::Office, Told::Done(_)) => self.hold_office(member),
            (Caller::Office, Told::Rejected(_)) => self.close_office(member, "it is refused"),
            // A proposal whose answer was lost may have been committed all the same.
            (Caller::Office, Told::NotLeader) if in_office => self.hold_office(member),
            (Caller::Office, Told::NotLeader | Told::Unknown) => {
                self.after(TRY_AGAIN_MS, timer(member, life, Timer::TakeOffice))
            }
            (Caller::Join { session, before }, told) => self.joined(member, session, before, told),
            (Caller::Begin { session, key }, told) => self.begin_answered(member, session, key, told),
            (Caller::Report { session, key }, told) => self.report_answered(member, session, key, told),
            (Caller::Expire(speaker), Told::Unknown) => {
                again(Command::ExpireAgent { speaker: speaker.clone() }, Caller::Expire(speaker));
            }
            (Caller::Expire(speaker), _) => {
                if let Some(office) = self.members[member].office.as_mut() {
                    office.leases.ended(&speaker);
                }
            }
            (Caller::Tick, _) => {
                if let Some(office) = self.members[member].office.as_mut() {
                    office.ticking = false;
                }
            }
            (Caller::Evaluate(question), _) => {
                if let Some(office) = self.members[member].office.as_mut() {
                    office.under_way.remove(&question);
                }
            }
            (Caller::Client { client, attempt }, told) => self.answer_client(client, attempt, told),
        }
    }

    fn is_in_office(&self, member: usize) -> bool {
        let (term, known) = (self.members[member].term, &self.book.state.office);
        known.term == term && known.node == member as u64
    }

    fn hold_office(&mut self, member: usize) {
        let now = self.now;
        let state = self.view(member);
        let running = state.active.len();
        let live = state.agents.by_name.values().filter(|agent| agent.live);
        let live: Vec<Speaker> = live.map(|agent| agent.join.speaker.clone()).collect();
        let Some(office) = self.members[member].office.as_mut() else { return };
        if office.holds {
            return;
        }
        office.holds = true;
        live.into_iter().for_each(|speaker| drop(office.leases.grant(speaker, now)));
        let term = office.term;
        self.note(|| format!("member {member} takes office in term {term}"));
        self.totals.offices += 1;
        self.totals.takeovers += running as u64;
        self.notice_minority(member);
        self.notice_lost_region(running);
        self.wake(member, 0);
    }

    /// A renewal may be promised: no newer leader can have been in office for longer than the margin.
    pub(crate) fn is_fresh(&self, member: usize) -> bool {
        self.is_sabotaged(Sabotage::RenewWithoutQuorum)
            || self.now - self.quorum_acked_at(member) <= QUORUM_FRESH_MS
    }

    /// Up a stream that is open at the leader.
    pub(crate) fn hear(&mut self, member: usize, id: u64, message: Up) {
        match message {
            Up::Hello { .. } | Up::Close => self.close_session(member, id),
            Up::Renew { sequence, answered } => self.hear_renewal(member, id, sequence, answered),
            Up::Begin(key) => self.hear_begin(member, id, key),
            Up::Report(report) => self.hear_report(member, id, report),
        }
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.era != Era::Faults
    }
}

fn told(reply: Reply) -> Told {
    match reply {
        Ok(answer) => Told::Done(answer),
        Err(Rejection::Deposed) => Told::NotLeader,
        Err(rejection) => Told::Rejected(rejection),
    }
}

fn subject_key(subject: Subject) -> SubjectKey {
    match subject {
        Subject::When => SubjectKey::When,
        Subject::Gate => SubjectKey::Gate,
        Subject::Success(token) => SubjectKey::Success(token),
    }
}
