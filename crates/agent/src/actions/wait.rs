//! `wait`: a question asked again and again until it holds, and has held for as long as it should, or the attempt's
//! time is up.

use crate::attempt::Call;
use crate::host::boottime_ns;
use crate::supervisor::{Ended, Watch};

/// How often to ask, and for how long the answer must have been yes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) interval_ms: u64,
    /// Zero means that once is enough.
    pub(crate) stable_ms: u64,
}

/// Asks until the answer has been yes for long enough.
pub(crate) fn perform(watch: &mut Watch<'_>, question: &Call, pace: Pace) -> Ended {
    let stable_ns = pace.stable_ms.saturating_mul(1_000_000);
    let mut last = "no answer came".to_owned();
    let mut held_since_ns = None;
    let mut asked = false;
    loop {
        let ended = watch.run(question);
        if ended == Ended::Exited(0) {
            let since_ns = *held_since_ns.get_or_insert_with(boottime_ns);
            if boottime_ns().saturating_sub(since_ns) >= stable_ns {
                return ended;
            }
            last = "it held, but not for long enough".to_owned();
        } else {
            held_since_ns = None;
            last = match said(&ended) {
                Some(said) => said,
                None if asked && let Ended::NotExecuted { reason, .. } = &ended => {
                    format!("the last one could not be asked: {reason}")
                }
                None => return with_note(ended, &last),
            };
        }
        asked = true;
        if let Some(ended) = watch.pause(pace.interval_ms) {
            return with_note(ended, &last);
        }
    }
}

/// What an answer that is not yes says; `None` where none came.
fn said(ended: &Ended) -> Option<String> {
    match ended {
        Ended::Exited(code) => Some(format!("the last answer was exit {code}")),
        Ended::Signalled(signal) => Some(format!("the last one asked died by signal {signal}")),
        Ended::Answered { reason, .. } => Some(format!("the last answer was: {reason}")),
        _ => None,
    }
}

fn with_note(ended: Ended, last: &str) -> Ended {
    match ended {
        Ended::TimedOut { .. } => Ended::TimedOut { note: format!(", and {last}") },
        other => other,
    }
}
