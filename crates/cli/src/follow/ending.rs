//! When to stop following, and with which exit code.

use baton_client::view::RunView;

use crate::failure::{Exit, Failure};
use crate::render::{advice, printable};

/// How the run ended, if there is nothing more to wait for.
pub(crate) fn ending(run: &RunView, stay: bool) -> Option<Exit> {
    match run.status.as_str() {
        "succeeded" => Some(Exit::Done),
        "failed" => Some(Exit::RunFailed),
        "undone" | "canceled" => Some(Exit::RunUndone),
        _ if run.needs_operator && !stay => Some(Exit::NeedsOperator),
        _ => None,
    }
}

/// An ending that is not a success, as what is said about it.
pub(crate) fn outcome(run: &RunView, exit: Exit) -> Result<Exit, Failure> {
    let reason = run.reason.as_ref().map(|reason| format!(": {}", printable(reason))).unwrap_or_default();
    let message = format!("run {} is {}{reason}", run.run, run.status);
    match exit {
        Exit::Done => Ok(Exit::Done),
        Exit::NeedsOperator => {
            let advice = advice(run);
            let hint =
                if advice.is_empty() { format!("baton run show {}", run.run) } else { advice.join("\n") };
            let message = format!("run {} needs an operator (it is {}{reason})", run.run, run.status);
            Err(Failure::new(exit, message).hint(hint))
        }
        exit => Err(Failure::new(exit, message).hint(format!("baton run show {}", run.run))),
    }
}
