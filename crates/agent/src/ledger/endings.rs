//! How attempts act and end: what the journal, the folders and the leader say.

use super::attempts::Attempt;
use super::stage::Stage;
use super::{Decision, Ledger, Seen};
use crate::attempt::{Key, Outcome, Report};

impl Ledger {
    /// The line is on disk: what waited for it goes on.
    pub(super) fn durable(&mut self, token: u64, now_ns: u64, out: &mut Vec<Decision>) {
        let Some(attempt) = self.attempts.get_mut(token) else {
            return;
        };
        match attempt.stage().clone() {
            Stage::Starting(assignment) => {
                let boot = self.boot.clone();
                let stop = attempt.stop.clone();
                self.attempts.turn_to(token, Stage::Running { boot });
                if let Some(stop) = stop {
                    let reason = format!("stopped before it started: {stop}");
                    let report = Report::bare(assignment.key, Outcome::NotStarted, reason);
                    self.conclude(report, now_ns, out);
                } else {
                    out.push(Decision::Start(assignment));
                }
            }
            Stage::Concluding(report) => {
                attempt.asked_ns = now_ns;
                self.attempts.turn_to(token, Stage::Finished(report.clone()));
                out.push(Decision::Report(report));
            }
            _ => {}
        }
    }

    /// Judges a started attempt by its folder (A03 to A06).
    pub(super) fn seen(&mut self, token: u64, seen: Seen, now_ns: u64, out: &mut Vec<Decision>) {
        let Some(attempt) = self.attempts.get(token) else {
            return;
        };
        let Stage::Running { boot } = attempt.stage() else {
            return;
        };
        let key = attempt.key.clone();
        let same_boot = *boot == self.boot;
        if let Some(report) = seen.exit {
            return self.conclude(Report { key, ..report }, now_ns, out);
        }
        if same_boot {
            out.push(match (seen.locked, seen.executing) {
                (true, _) => Decision::Adopt(key),
                (false, true) => Decision::Sweep(key),
                (false, false) => Decision::Bury(key),
            });
            return;
        }
        // The marker is not synced: that it is missing proves nothing.
        let reason = match seen.executing {
            true => "the host restarted while it ran",
            false => "the host restarted, and nothing tells whether it had started",
        };
        self.conclude(Report::bare(key, Outcome::Unknown, reason), now_ns, out);
    }

    pub(super) fn stop(&mut self, key: Key, reason: String, now_ns: u64, out: &mut Vec<Decision>) {
        let token = key.token;
        let Some(attempt) = self.attempts.get_mut(token) else {
            return self.stop_unknown(key, now_ns, out);
        };
        match attempt.stage().clone() {
            Stage::Waiting(_) => {
                let reason = format!("stopped before it started: {reason}");
                let report = Report::bare(key, Outcome::NotStarted, reason);
                self.conclude(report, now_ns, out);
            }
            Stage::Asking(_) | Stage::Starting(_) => attempt.stop = Some(reason),
            Stage::Running { .. } => out.push(Decision::End { token, reason }),
            Stage::Concluding(_) => {}
            Stage::Finished(report) => out.push(Decision::Report(report)),
        }
    }

    /// Nothing of it runs here, but an earlier journal of this agent may have known it: only
    /// "unknown" is certainly true. Remembering the answer keeps the attempt from starting later.
    fn stop_unknown(&mut self, key: Key, now_ns: u64, out: &mut Vec<Decision>) {
        if self.newest_acted_on(&key).is_some() {
            return;
        }
        let reason = "stopped: this agent has no record of it, and nothing of it runs here";
        let report = Report::bare(key, Outcome::Unknown, reason);
        self.attempts.insert(Attempt::unknown(report.clone(), now_ns));
        out.push(Decision::Report(report));
    }

    /// The cluster knows the end: only the token is remembered.
    pub(super) fn acknowledged(&mut self, key: &Key, out: &mut Vec<Decision>) {
        let token = key.token;
        let finished = |attempt: &Attempt| matches!(attempt.stage(), Stage::Finished(_));
        if !self.attempts.get(token).is_some_and(finished) {
            return;
        }
        if let Some(attempt) = self.attempts.remove(token) {
            if !attempt.probe {
                self.newest.raise(&attempt.key);
            }
            let Attempt { journaled, has_folder, .. } = attempt;
            out.push(Decision::Forget { token, journaled, has_folder });
        }
    }
}
