//! The agent's decisions, pure: what the journal says, what is seen of an attempt, what the
//! leader asks for and what time it is go in; what to do comes out. The shell in `agent.rs`
//! performs it and reports back.

mod answers;
mod attempts;
mod endings;
mod stage;
mod words;

#[cfg(test)]
mod many_tests;
#[cfg(test)]
mod tests;

use baton_storage::sabotage::{self, Bug};

use crate::attempt::{Action, Assignment, Key, Outcome, Report};
use crate::journal::{Fact, Facts, Newest, Started};
use attempts::{Attempt, Attempts};
use stage::{Stage, action_hash};

pub use words::{Decision, Event, Seen};

/// What is asked again when no answer came, and after how long. Nanoseconds.
const ASK_AGAIN_NS: u64 = 3_000_000_000;

/// All attempts that this agent knows and is not allowed to forget.
#[derive(Debug)]
pub struct Ledger {
    slots: u32,
    boot: String,
    lease_until_ns: u64,
    attempts: Attempts,
    newest: Newest,
}

impl Ledger {
    /// The ledger as the journal tells it, on the boot that runs now.
    pub fn restore(facts: Facts, slots: u32, boot: &str) -> Ledger {
        let mut attempts = Attempts::default();
        facts.open.into_values().for_each(|open| attempts.insert(Attempt::restored(open)));
        Ledger { slots, boot: boot.to_owned(), lease_until_ns: 0, attempts, newest: facts.newest }
    }

    /// Tokens whose folders must be looked at after a restart: started, end unknown.
    pub fn unsettled(&self) -> Vec<u64> {
        let running = |attempt: &&Attempt| matches!(attempt.stage(), Stage::Running { .. });
        let attempts = self.attempts.all().filter(running);
        attempts.map(|attempt| attempt.key.token).collect()
    }

    /// Journaled attempts without an acknowledgement, for Hello.
    pub fn held(&self) -> Vec<Key> {
        // One whose line is not on disk yet belongs to them: it would start, however late, if nobody stopped it.
        let attempts = self.attempts.all().filter(|attempt| attempt.journaled);
        attempts.map(|attempt| attempt.key.clone()).collect()
    }

    /// Takes in what happened at `now_ns` of the boot clock and says what to do.
    pub fn apply(&mut self, event: Event, now_ns: u64) -> Vec<Decision> {
        let mut decisions = Vec::new();
        let out = &mut decisions;
        match event {
            Event::Connected => self.connected(now_ns, out),
            Event::AskedToRecount => {
                out.push(Decision::Recount { held: self.held(), over: self.newest.keys().collect() });
            }
            Event::Disconnected => self.drop_waiting(),
            Event::Renewed { until_ns } => self.renewed(until_ns, now_ns, out),
            Event::Assigned(assignment) => self.assigned(assignment, now_ns, out),
            Event::BeginAnswered { key, .. } | Event::Stop { key, .. } | Event::Acknowledged(key)
                if self.knows_otherwise(&key) => {}
            Event::BeginAnswered { key, begun, reason } => {
                self.begin_answered(&key, begun, reason, now_ns, out);
            }
            Event::Stop { key, reason } => self.stop(key, reason, now_ns, out),
            Event::Acknowledged(key) => self.acknowledged(&key, out),
            Event::Durable(token) => self.durable(token, now_ns, out),
            Event::Seen { token, seen } => self.seen(token, seen, now_ns, out),
            Event::Ended(report) => self.conclude(report, now_ns, out),
        }
        self.settle(now_ns, out);
        decisions
    }

    /// Lets everything that can start, start, oldest grant first.
    fn settle(&mut self, now_ns: u64, out: &mut Vec<Decision>) {
        if !self.lease_runs(now_ns) {
            return;
        }
        for token in self.attempts.waiting() {
            self.proceed_unless_older_runs(token, now_ns, out);
        }
        let mut last = 0;
        while self.slot_is_free()
            && let Some(token) = self.attempts.waiting_for_slot(last)
        {
            self.proceed_unless_older_runs(token, now_ns, out);
            last = token;
        }
    }

    fn proceed_unless_older_runs(&mut self, token: u64, now_ns: u64, out: &mut Vec<Decision>) {
        let Some(attempt) = self.attempts.get(token) else {
            return;
        };
        if let Stage::Waiting(assignment) = attempt.stage()
            && !self.older_one_runs(&attempt.key)
        {
            let assignment = assignment.clone();
            self.proceed(assignment, now_ns, out);
        }
    }

    /// Takes a waiting attempt to its next stage, now that nothing stands in its way.
    fn proceed(&mut self, assignment: Assignment, now_ns: u64, out: &mut Vec<Decision>) {
        let key = assignment.key.clone();
        let Some(attempt) = self.attempts.get_mut(key.token) else {
            return;
        };
        attempt.asked_ns = now_ns;
        if attempt.probe {
            let boot = self.boot.clone();
            self.attempts.turn_to(key.token, Stage::Running { boot });
            out.push(Decision::Start(assignment));
        } else if !attempt.idempotent && !sabotage::planted(Bug::SkipBeginGate) {
            self.attempts.turn_to(key.token, Stage::Asking(assignment));
            out.push(Decision::AskBegin(key));
        } else if assignment.action == Action::Noop {
            // Doing nothing again is harmless, so memory is enough to hold this report.
            self.conclude(crate::actions::noop::report(key), now_ns, out);
        } else {
            self.start(assignment, out);
        }
    }

    /// Journals that the attempt may act; the supervisor starts when that is durable.
    fn start(&mut self, assignment: Assignment, out: &mut Vec<Decision>) {
        let token = assignment.key.token;
        let Some(attempt) = self.attempts.get_mut(token) else {
            return;
        };
        attempt.journaled = true;
        let started = Fact::Started(Started {
            key: assignment.key.clone(),
            idempotent: assignment.idempotent,
            action_hash: attempt.action_hash.unwrap_or_else(|| action_hash(&assignment)),
            boot: self.boot.clone(),
        });
        let mut facts = vec![started];
        let stage = if assignment.action == Action::Noop {
            // It acts on nothing, so both lines may reach the disk together.
            let report = crate::actions::noop::report(assignment.key);
            facts.push(Fact::Finished(report.clone()));
            Stage::Concluding(report)
        } else {
            Stage::Starting(assignment)
        };
        self.attempts.turn_to(token, stage);
        out.push(Decision::Journal { token, facts });
    }

    /// The attempt is over: journals the end where its start is journaled, else reports at once.
    fn conclude(&mut self, mut report: Report, now_ns: u64, out: &mut Vec<Decision>) {
        let token = report.key.token;
        let Some(attempt) = self.attempts.get_mut(token) else {
            return;
        };
        if matches!(attempt.stage(), Stage::Concluding(_) | Stage::Finished(_)) {
            return;
        }
        report.probe = attempt.probe;
        if report.probe && report.outcome == Outcome::NotStarted {
            report.outcome = Outcome::Unknown;
        }
        if attempt.journaled {
            let facts = vec![Fact::Finished(report.clone())];
            self.attempts.turn_to(token, Stage::Concluding(report));
            out.push(Decision::Journal { token, facts });
        } else {
            attempt.asked_ns = now_ns;
            self.attempts.turn_to(token, Stage::Finished(report.clone()));
            out.push(Decision::Report(report));
        }
    }

    /// What a leader says of a token counts only for the attempt that this agent was given it for.
    fn knows_otherwise(&self, key: &Key) -> bool {
        self.attempts.get(key.token).is_some_and(|attempt| attempt.key != *key)
    }

    fn lease_runs(&self, now_ns: u64) -> bool {
        now_ns < self.lease_until_ns
    }

    fn slot_is_free(&self) -> bool {
        self.attempts.slots_taken() < self.slots as usize
    }

    fn older_one_runs(&self, key: &Key) -> bool {
        self.older(key).any(|attempt| matches!(attempt.stage(), Stage::Starting(_) | Stage::Running { .. }))
    }

    /// Earlier attempts of the same step, still known.
    fn older(&self, key: &Key) -> impl Iterator<Item = &Attempt> {
        let token = key.token;
        self.attempts.of_step(key).filter(move |attempt| !attempt.probe && attempt.key.token < token)
    }
}
