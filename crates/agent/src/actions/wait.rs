//! `wait`: a question asked again and again until it exits with 0, or the attempt's time is up.

use crate::supervisor::{Ended, Watch};

/// Asks until the answer is yes.
pub(crate) fn perform(watch: &mut Watch, until: &[String], interval_ms: u64) -> Ended {
    let mut last = "no answer came".to_owned();
    loop {
        match watch.run(until) {
            Ended::Exited(0) => return Ended::Exited(0),
            Ended::Exited(code) => last = format!("the last answer was exit {code}"),
            Ended::Signalled(signal) => last = format!("the last one asked died by signal {signal}"),
            other => return with_note(other, &last),
        }
        if let Some(ended) = watch.pause(interval_ms) {
            return with_note(ended, &last);
        }
    }
}

fn with_note(ended: Ended, last: &str) -> Ended {
    match ended {
        Ended::TimedOut { .. } => Ended::TimedOut { note: format!(", and {last}") },
        other => other,
    }
}
