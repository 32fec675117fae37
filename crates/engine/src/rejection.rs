//! Why a command was not accepted. A rejected command has changed nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a command was not accepted, with a sentence for the one who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rejection {
    /// There is no such plan, run or step.
    NotFound(String),
    /// A field of the request is wrong.
    Invalid(String),
    /// The state does not allow it.
    Refused(String),
    /// The request id was used before for something else.
    RequestReused(String),
    /// The attempt is not, or no longer, the step's current one: it must not act.
    NotCurrent(String),
    /// The proposer is no longer in office; the same request may be repeated with the leader.
    Deposed,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::NotFound(text)
            | Rejection::Invalid(text)
            | Rejection::Refused(text)
            | Rejection::RequestReused(text)
            | Rejection::NotCurrent(text) => f.write_str(text),
            Rejection::Deposed => f.write_str("another leader has taken office; repeat the request with it"),
        }
    }
}

impl std::error::Error for Rejection {}
