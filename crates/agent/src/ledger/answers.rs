//! How attempts come in and begin: sessions, leases, assignments, Begins.

use super::attempts::Attempt;
use super::stage::Stage;
use super::{ASK_AGAIN_NS, Decision, Ledger};
use crate::attempt::{Assignment, Key, Outcome, Report};
use crate::journal::Fact;

impl Ledger {
    /// A new session: what waits is the new leader's to send again, what was asked is asked
    /// again, and what ended is offered again.
    pub(super) fn connected(&mut self, now_ns: u64, out: &mut Vec<Decision>) {
        self.drop_waiting();
        self.ask_again(now_ns, 0, out);
    }

    /// The leader may have withdrawn what has not begun; what it still wants, it sends again.
    pub(super) fn drop_waiting(&mut self) {
        let waiting = |attempt: &&Attempt| matches!(attempt.stage(), Stage::Waiting(_));
        let tokens: Vec<_> = self.attempts.all().filter(waiting).map(|attempt| attempt.key.token).collect();
        tokens.into_iter().for_each(|token| drop(self.attempts.remove(token)));
    }

    pub(super) fn renewed(&mut self, until_ns: u64, now_ns: u64, out: &mut Vec<Decision>) {
        self.lease_until_ns = self.lease_until_ns.max(until_ns);
        self.ask_again(now_ns, ASK_AGAIN_NS, out);
    }

    fn ask_again(&mut self, now_ns: u64, after_ns: u64, out: &mut Vec<Decision>) {
        for token in self.attempts.tokens() {
            let Some(attempt) = self.attempts.get_mut(token) else {
                continue;
            };
            if now_ns.saturating_sub(attempt.asked_ns) < after_ns {
                continue;
            }
            let decision = match attempt.stage() {
                Stage::Asking(assignment) => Decision::AskBegin(assignment.key.clone()),
                Stage::Finished(report) => Decision::Report(report.clone()),
                _ => continue,
            };
            attempt.asked_ns = now_ns;
            out.push(decision);
        }
    }

    /// A repeated assignment is known by its token; an older one than this agent acted on is refused.
    pub(super) fn assigned(&mut self, new: Assignment, now_ns: u64, out: &mut Vec<Decision>) {
        let key = new.key.clone();
        if let Some(attempt) = self.attempts.get_mut(key.token) {
            return attempt.assigned_again(&new, now_ns, out);
        }
        if !new.probe {
            if let Some(newest) = self.newest_acted_on(&key) {
                let reason = format!("this agent has already acted on token {newest} of the step");
                return out.push(Decision::Refuse { key, reason });
            }
            // A new grant while an idempotent older one runs: ending the older is harmless, and
            // the new one waits for its end.
            let older = self.older(&key).filter(|older| older.idempotent);
            let running = older.filter(|older| matches!(older.stage(), Stage::Running { .. }));
            let reason = format!("superseded by token {}", key.token);
            out.extend(running.map(|older| Decision::End { token: older.key.token, reason: reason.clone() }));
        }
        self.attempts.insert(Attempt::assigned(new));
    }

    /// A token of the step that is not older than this one and has acted here.
    pub(super) fn newest_acted_on(&self, key: &Key) -> Option<u64> {
        let same = self.attempts.of_step(key).filter(|same| same.journaled && same.key.token >= key.token);
        let open = same.map(|newer| newer.key.token).max();
        let remembered = self.newest.of(key).filter(|newest| *newest >= key.token);
        open.max(remembered)
    }

    /// Only a committed Begin lets an attempt act, and only while the lease runs (Z02).
    pub(super) fn begin_answered(
        &mut self,
        key: &Key,
        begun: bool,
        reason: String,
        now_ns: u64,
        out: &mut Vec<Decision>,
    ) {
        let lease_runs = self.lease_runs(now_ns);
        let Some(attempt) = self.attempts.get_mut(key.token) else {
            return;
        };
        let Stage::Asking(assignment) = attempt.stage().clone() else {
            return;
        };
        let key = assignment.key.clone();
        if !begun {
            self.attempts.remove(key.token);
            out.push(Decision::Refuse { key, reason });
        } else if let Some(stop) = &attempt.stop {
            let reason = format!("stopped before it started: {stop}");
            self.abandon(key, reason, out);
        } else if !lease_runs {
            self.abandon(key, "the lease ran out before it started".into(), out);
        } else {
            self.start(assignment, out);
        }
    }

    /// Journals that the attempt never started and never will.
    fn abandon(&mut self, key: Key, reason: String, out: &mut Vec<Decision>) {
        let token = key.token;
        if let Some(attempt) = self.attempts.get_mut(token) {
            attempt.journaled = true;
            let report = Report::bare(key.clone(), Outcome::NotStarted, reason.clone());
            self.attempts.turn_to(token, Stage::Concluding(report));
            let facts = vec![Fact::Abandoned { key, reason }];
            out.push(Decision::Journal { token, facts });
        }
    }
}
