//! Streams between agents and the leader, by the rules of `node/src/grpc/agents.rs` at the leader's end.

use std::collections::BTreeSet;

use baton_agent::attempt::{Assignment, Key, Report};
use baton_engine::command::{AttemptKey, Join, Speaker};
use baton_engine::{Command, Effect, Rejection};

use super::leases::Lease;
use super::office::{Caller, Told};
use super::raft::{Timer, timer};
use super::words::{assignment_down, key_down, key_up, report_up};
use super::{Happening, World};
use crate::marks::Mark;
use crate::sabotage::Sabotage;
use crate::script::Trigger;

/// How long a greeted agent may take to say something.
const HELLO_WITHIN_MS: u64 = 3000;

/// What an agent says.
#[derive(Debug, Clone)]
pub(crate) enum Up {
    Hello { join: Join, held: Vec<Key> },
    Renew { sequence: u64, answered: u64 },
    Begin(Key),
    Report(Report),
    Close,
}

/// What the leader says.
#[derive(Debug, Clone)]
pub(crate) enum Down {
    Welcome { term: u64 },
    Refused(String),
    Renewed(u64),
    Assign(Assignment),
    Stop { key: Key, reason: String },
    BeginAnswer { key: Key, begun: bool, reason: String },
    Acknowledged(Key),
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Welcomed; it has said nothing yet.
    Greeted,
    /// Its coming is on its way into the log.
    Joining,
    Open,
}

/// The leader's end of a stream.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) place: usize,
    pub(crate) speaker: Speaker,
    join: Join,
    held: Vec<Key>,
    stage: Stage,
    waiting: Vec<Up>,
    told: BTreeSet<(u64, bool)>,
    seen: u64,
}

impl World {
    pub(crate) fn send_up(&mut self, place: usize, member: usize, session: u64, message: Up) {
        let happening = Happening::Up { member, place, session, message };
        let repeated = matches!(&happening, Happening::Up { message: Up::Begin(_) | Up::Report(_), .. });
        self.send(happening, repeated);
    }

    pub(crate) fn send_down(&mut self, member: usize, place: usize, session: u64, message: Down) {
        let happening = Happening::Down { member, place, session, message };
        let repeated = matches!(
            &happening,
            Happening::Down { message: Down::Assign(_) | Down::Stop { .. } | Down::BeginAnswer { .. }, .. }
        );
        self.send(happening, repeated);
    }

    fn send(&mut self, happening: Happening, repeatable: bool) {
        let lot = ("stream", self.sequence);
        let (longest, reorder) = (self.script.world.delay_ms, self.script.world.reorder);
        let at = self.now + self.between(1, longest, lot);
        let at = if reorder { at } else { self.links.in_order(&happening, at) };
        if repeatable && self.chance.percent(self.script.world.duplicates, ("twice", lot)) {
            let later = at + self.between(1, 20 * longest, ("later", lot));
            self.at(later, happening.clone());
        }
        self.at(at, happening);
    }

    pub(crate) fn arrive_up(&mut self, member: usize, place: usize, id: u64, message: Up) {
        if !self.links.is_up(place, member) {
            let happening = Happening::Up { member, place, session: id, message };
            return self.links.hold(happening);
        }
        if !self.members[member].up {
            return;
        }
        if let Up::Hello { join, held } = message {
            return self.greet(member, place, id, join, held);
        }
        let Some(office) = self.members[member].office.as_mut() else { return };
        let Some(session) = office.sessions.get_mut(&id) else { return };
        match session.stage {
            _ if matches!(message, Up::Close) => self.close_session(member, id),
            Stage::Greeted => {
                session.stage = Stage::Joining;
                session.waiting.push(message);
                self.let_join(member, id);
            }
            Stage::Joining => session.waiting.push(message),
            Stage::Open => self.hear(member, id, message),
        }
    }

    fn greet(&mut self, member: usize, place: usize, id: u64, join: Join, held: Vec<Key>) {
        // Without a quorum it could only keep the agent from a newer leader.
        if !self.is_fresh(member) {
            return;
        }
        let Some(office) = self.members[member].office.as_mut().filter(|office| office.holds) else { return };
        let others = office.sessions.iter().filter(|(_, other)| other.speaker.agent == join.speaker.agent);
        let others: Vec<(u64, bool)> = others
            .map(|(id, other)| (*id, other.speaker == join.speaker && other.join.host == join.host))
            .collect();
        if others.iter().any(|(_, same)| !same) {
            self.hit(Mark::A09);
            let reason = "an agent of that name is connected already".to_owned();
            return self.send_down(member, place, id, Down::Refused(reason));
        }
        for (other, _) in others {
            self.close_session(member, other);
        }
        let Some(office) = self.members[member].office.as_mut() else { return };
        let session = Session {
            place,
            speaker: join.speaker.clone(),
            join,
            held,
            stage: Stage::Greeted,
            waiting: Vec::new(),
            told: BTreeSet::new(),
            seen: 0,
        };
        office.sessions.insert(id, session);
        let term = office.term;
        self.send_down(member, place, id, Down::Welcome { term });
        let life = self.members[member].life;
        self.after(HELLO_WITHIN_MS, timer(member, life, Timer::Greeting(id)));
    }

    pub(crate) fn greeting_over(&mut self, member: usize, id: u64) {
        let office = self.members[member].office.as_ref();
        let session = office.and_then(|office| office.sessions.get(&id));
        if session.is_some_and(|session| session.stage == Stage::Greeted) {
            self.close_session(member, id);
        }
    }

    /// The lease runs from before the agent is known, so that it cannot be granted anything without one.
    fn let_join(&mut self, member: usize, id: u64) {
        let now = self.now;
        let Some(office) = self.members[member].office.as_mut() else { return };
        let Some(session) = office.sessions.get(&id) else { return };
        let (join, speaker) = (session.join.clone(), session.speaker.clone());
        // While its last lease's end is being decided it has to come again.
        if office.leases.is_ending(&speaker) {
            return self.close_session(member, id);
        }
        let before = office.leases.grant(speaker.clone(), now);
        let known = self.view(member).agents.by_name.get(&speaker.agent);
        match known.is_some_and(|agent| agent.live && agent.join == join) {
            true => self.open_session(member, id),
            false => self.propose(member, Command::JoinAgent(join), Caller::Join { session: id, before }),
        }
        self.wake(member, 0);
    }

    pub(crate) fn joined(&mut self, member: usize, id: u64, before: Option<Lease>, told: Told) {
        match told {
            Told::Done(_) => self.open_session(member, id),
            Told::Rejected(rejection) => {
                self.hit(Mark::A09);
                let Some(office) = self.members[member].office.as_mut() else { return };
                if let Some(session) = office.sessions.remove(&id) {
                    office.leases.take_back(&session.speaker, before);
                    self.send_down(member, session.place, id, Down::Refused(rejection.to_string()));
                }
            }
            Told::NotLeader | Told::Unknown => self.close_session(member, id),
        }
    }

    fn open_session(&mut self, member: usize, id: u64) {
        let Some(office) = self.members[member].office.as_mut() else { return };
        let Some(session) = office.sessions.get_mut(&id) else { return };
        session.stage = Stage::Open;
        let (waiting, held) = (std::mem::take(&mut session.waiting), session.held.clone());
        let (place, agent) = (session.place, session.speaker.agent.clone());
        self.note(|| format!("member {member} opens session {id} with {agent} in place {place}"));
        let known = self.view(member).agents.by_name.get(&agent);
        let is_open = |key: &Key| known.is_some_and(|agent| agent.open.contains_key(&key.token));
        let over: Vec<Key> = held.into_iter().filter(|key| !is_open(key)).collect();
        for key in over {
            let reason = "the run goes on without this attempt".to_owned();
            self.send_down(member, place, id, Down::Stop { key, reason });
        }
        waiting.into_iter().for_each(|message| self.hear(member, id, message));
        self.wake(member, 0);
    }

    pub(crate) fn close_session(&mut self, member: usize, id: u64) {
        let Some(office) = self.members[member].office.as_mut() else { return };
        if let Some(session) = office.sessions.remove(&id) {
            self.send_down(member, session.place, id, Down::Close);
        }
    }

    /// Tells agents what they should be doing and were not told in their session.
    pub(crate) fn tell_news(&mut self, member: usize) {
        let Some(office) = self.members[member].office.as_ref() else { return };
        let open = office.sessions.iter().filter(|(_, session)| session.stage == Stage::Open);
        let open: Vec<u64> = open.map(|(id, _)| *id).collect();
        open.into_iter().for_each(|id| self.tell_session(member, id));
    }

    fn tell_session(&mut self, member: usize, id: u64) {
        let Some(office) = self.members[member].office.as_ref() else { return };
        let Some(session) = office.sessions.get(&id) else { return };
        let state = self.view(member);
        let agent = state.agents.by_name.get(&session.speaker.agent);
        let Some(agent) = agent.filter(|agent| agent.live && agent.join.speaker == session.speaker) else {
            return self.close_session(member, id);
        };
        if agent.changed <= session.seen {
            return;
        }
        let was_told = |token, stop| session.told.contains(&(token, stop));
        let (changed, news) = (agent.changed, state.effects_for(&session.speaker.agent, was_told));
        let term = office.term;
        let Some(office) = self.members[member].office.as_mut() else { return };
        let Some(session) = office.sessions.get_mut(&id) else { return };
        session.seen = changed;
        let place = session.place;
        session.told.extend(news.iter().map(told_of));
        for effect in news {
            let message = match effect {
                Effect::Assign(assignment) => {
                    self.memory.sent(&mut self.marks, assignment.key.token, term);
                    Down::Assign(assignment_down(assignment))
                }
                Effect::Stop { key, reason } => Down::Stop { key: key_down(&key), reason },
            };
            self.send_down(member, place, id, message);
        }
    }

    pub(crate) fn hear_renewal(&mut self, member: usize, id: u64, sequence: u64, answered: u64) {
        let (now, fresh) = (self.now, self.is_fresh(member));
        let Some(office) = self.members[member].office.as_mut() else { return };
        let Some(session) = office.sessions.get(&id) else { return };
        let (place, speaker) = (session.place, session.speaker.clone());
        if fresh && office.leases.renew(&speaker, sequence, answered, now) {
            self.send_down(member, place, id, Down::Renewed(sequence));
        }
    }

    pub(crate) fn hear_begin(&mut self, member: usize, id: u64, key: Key) {
        let Some(session) = self.session(member, id) else { return };
        let (speaker, key) = (session.speaker.clone(), key_up(&key));
        let command = Command::Begin { speaker, key: key.clone() };
        self.propose(member, command, Caller::Begin { session: id, key });
    }

    pub(crate) fn begin_answered(&mut self, member: usize, id: u64, key: AttemptKey, told: Told) {
        let Some(place) = self.session(member, id).map(|session| session.place) else { return };
        let (begun, reason) = match told {
            Told::Done(_) => (true, String::new()),
            Told::Rejected(rejection) => (false, rejection.to_string()),
            Told::NotLeader | Told::Unknown => return,
        };
        self.send_down(member, place, id, Down::BeginAnswer { key: key_down(&key), begun, reason });
    }

    pub(crate) fn hear_report(&mut self, member: usize, id: u64, report: Report) {
        let Some(session) = self.session(member, id) else { return };
        let (speaker, place, key) = (session.speaker.clone(), session.place, report.key.clone());
        self.trigger(Trigger::Reported, Some(place));
        self.memory.reported(&mut self.marks, key.token, self.members[member].term);
        if self.is_sabotaged(Sabotage::DropLateReports) && self.is_late(member, &key) {
            return;
        }
        if self.is_sabotaged(Sabotage::AcknowledgeBeforeCommit) {
            self.send_down(member, place, id, Down::Acknowledged(key.clone()));
        }
        let command = report_up(speaker, report);
        self.propose(member, command, Caller::Report { session: id, key: key_up(&key) });
    }

    pub(crate) fn report_answered(&mut self, member: usize, id: u64, key: AttemptKey, told: Told) {
        match told {
            Told::Done(_) | Told::Rejected(Rejection::NotFound(_)) => {}
            Told::Rejected(_) | Told::NotLeader | Told::Unknown => return,
        }
        let Some(place) = self.session(member, id).map(|session| session.place) else { return };
        self.send_down(member, place, id, Down::Acknowledged(key_down(&key)));
    }

    fn session(&self, member: usize, id: u64) -> Option<&Session> {
        self.members[member].office.as_ref().and_then(|office| office.sessions.get(&id))
    }

    /// The attempt is not the one that its step waits for.
    fn is_late(&self, member: usize, key: &Key) -> bool {
        let state = self.view(member);
        let run = state.runs.get(&key.run);
        let index = run.and_then(|run| baton_engine::scope::find(run, &state.plans, &key.step));
        let attempt = run.zip(index).and_then(|(run, index)| run.steps[index].attempt());
        attempt.is_none_or(|attempt| attempt.token != key.token || attempt.lapsed)
    }
}

fn told_of(effect: &Effect) -> (u64, bool) {
    match effect {
        Effect::Assign(assignment) => (assignment.key.token, false),
        Effect::Stop { key, .. } => (key.token, true),
    }
}
