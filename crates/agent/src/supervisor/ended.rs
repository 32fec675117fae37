//! How an attempt ended, and what that means for its step. Pure.

use crate::attempt::{Assignment, Outcome};

/// How the action came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself, with this code.
    Exited(i32),
    /// By itself, a native action: its word on what became of it. No code: nobody can say.
    Answered { code: Option<i32>, reason: String },
    /// By a signal that the supervisor did not send.
    Signalled(i32),
    /// By the supervisor: it took too long. With what is known about how far it came.
    TimedOut { note: String },
    /// By the supervisor, on the leader's word.
    Stopped { reason: String },
    /// By the supervisor: idempotent, and the agent's lease ran out.
    LeaseLapsed,
    /// The program could not be executed.
    NotExecuted { code: i32, reason: String },
    /// It was not even tried, and never will be.
    Abandoned { reason: String },
}

/// Outcome, exit code and reason of the report.
pub(super) fn conclude(ended: &Ended, of: &Assignment) -> (Outcome, Option<i32>, String) {
    let (outcome, code, reason) = judge(ended, of);
    match (of.probe, code) {
        (true, Some(0)) => (Outcome::Succeeded, code, reason),
        (true, Some(1)) => (Outcome::Failed, code, reason),
        (true, _) => (Outcome::Unknown, code, reason),
        (false, _) => (outcome, code, reason),
    }
}

fn judge(ended: &Ended, of: &Assignment) -> (Outcome, Option<i32>, String) {
    // Ended half-way by us: a step that may be repeated has failed, of any other nobody knows
    // how far it came.
    let cut_short = if of.idempotent { Outcome::Failed } else { Outcome::Unknown };
    match ended {
        Ended::Exited(0) => (Outcome::Succeeded, Some(0), String::new()),
        Ended::Exited(code) => (Outcome::Failed, Some(*code), format!("exited with {code}")),
        Ended::Answered { code: Some(code), reason } => (Outcome::Failed, Some(*code), reason.clone()),
        Ended::Answered { code: None, reason } => (cut_short, None, reason.clone()),
        Ended::Signalled(signal) => {
            let name = signal_name(*signal);
            let reason = format!("killed by signal {signal}{name}, which Baton did not send");
            (Outcome::Unknown, None, reason)
        }
        Ended::TimedOut { note } => {
            let after = duration(of.timeout_ms);
            (cut_short, None, format!("timed out after {after}{note}"))
        }
        Ended::Stopped { reason } => (cut_short, None, format!("stopped: {reason}")),
        Ended::LeaseLapsed => {
            let reason = "ended because the agent's lease ran out while it ran";
            (Outcome::Unknown, None, reason.into())
        }
        Ended::NotExecuted { code, reason } => (Outcome::Failed, Some(*code), reason.clone()),
        Ended::Abandoned { reason } => (Outcome::NotStarted, None, reason.clone()),
    }
}

/// `1h2m3s`, with milliseconds only where there are some.
fn duration(ms: u64) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    let parts = [(hours, "h"), (minutes, "m"), (seconds, "s"), (ms % 1000, "ms")];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let text: String = parts.map(|(count, unit)| format!("{count}{unit}")).collect();
    if text.is_empty() { "0s".into() } else { text }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGHUP => " (SIGHUP)",
        libc::SIGINT => " (SIGINT)",
        libc::SIGQUIT => " (SIGQUIT)",
        libc::SIGILL => " (SIGILL)",
        libc::SIGABRT => " (SIGABRT)",
        libc::SIGBUS => " (SIGBUS)",
        libc::SIGFPE => " (SIGFPE)",
        libc::SIGKILL => " (SIGKILL)",
        libc::SIGSEGV => " (SIGSEGV)",
        libc::SIGPIPE => " (SIGPIPE)",
        libc::SIGALRM => " (SIGALRM)",
        libc::SIGTERM => " (SIGTERM)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{Action, Key};
    use Outcome::{Failed, NotStarted, Succeeded, Unknown};

    fn assignment(idempotent: bool, probe: bool) -> Assignment {
        Assignment {
            key: Key { run: "r".into(), step: "s".into(), attempt: 1, token: 1 },
            probe,
            idempotent,
            action: Action::Noop,
            environment: Default::default(),
            timeout_ms: 20_000,
        }
    }

    #[test]
    fn each_end_has_its_outcome_by_class() {
        let text = String::new;
        let stopped = Ended::Stopped { reason: text() };
        let timed_out = Ended::TimedOut { note: text() };
        let abandoned = Ended::Abandoned { reason: text() };
        let refused = Ended::Answered { code: Some(1), reason: text() };
        let nothing = Ended::Answered { code: Some(75), reason: text() };
        let unsaid = Ended::Answered { code: None, reason: text() };
        let reason = text();
        let not_executed = Ended::NotExecuted { code: 127, reason };
        //            end                    once        idempotent  probe
        let table = [
            (Ended::Exited(0), Succeeded, Succeeded, Succeeded),
            (Ended::Exited(1), Failed, Failed, Failed),
            (Ended::Exited(2), Failed, Failed, Unknown),
            (refused, Failed, Failed, Failed),
            (nothing, Failed, Failed, Unknown),
            (unsaid, Unknown, Failed, Unknown),
            (Ended::Signalled(9), Unknown, Unknown, Unknown),
            (timed_out, Unknown, Failed, Unknown),
            (stopped, Unknown, Failed, Unknown),
            (Ended::LeaseLapsed, Unknown, Unknown, Unknown),
            (not_executed, Failed, Failed, Unknown),
            (abandoned, NotStarted, NotStarted, Unknown),
        ];
        for (ended, once, idempotent, probe) in table {
            let outcome = |of: &Assignment| conclude(&ended, of).0;
            assert_eq!(outcome(&assignment(false, false)), once, "{ended:?}");
            assert_eq!(outcome(&assignment(true, false)), idempotent, "{ended:?}");
            assert_eq!(outcome(&assignment(true, true)), probe, "{ended:?}");
        }
    }

    #[test]
    fn reasons_are_for_people() {
        let reason = |ended| conclude(&ended, &assignment(false, false)).2;
        let note = "; so far nothing".to_owned();
        assert_eq!(reason(Ended::TimedOut { note }), "timed out after 20s; so far nothing");
        assert_eq!(reason(Ended::Signalled(9)), "killed by signal 9 (SIGKILL), which Baton did not send");
        assert_eq!(reason(Ended::Exited(3)), "exited with 3");
    }

    #[test]
    fn durations_read_as_in_a_plan() {
        let cases = [(0, "0s"), (250, "250ms"), (20_000, "20s"), (5_400_000, "1h30m")];
        for (ms, text) in cases {
            assert_eq!(duration(ms), text);
        }
    }
}
