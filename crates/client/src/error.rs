//! Why there is no answer, as far as a caller can act on it.

use std::fmt;
use std::time::Duration;

/// Why the cluster did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No coordinator could act within the deadline.
    #[error("{0}")]
    NoQuorum(NoQuorum),
    /// There is no such plan, run or step.
    #[error("{0}")]
    NotFound(String),
    /// The cluster will not do it: the run's state, a version, or a request id used for something else.
    #[error("{0}")]
    Refused(String),
    /// The plan is wrong; the text holds every problem.
    #[error("{0}")]
    InvalidPlan(String),
    /// The request itself is wrong: a parameter is missing, a value is not understood.
    #[error("{0}")]
    Usage(String),
    /// Anything else: a defect of ours, or a coordinator of another version.
    #[error("{0}")]
    Other(String),
}

/// No coordinator could act within the deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoQuorum {
    /// The coordinators that were tried.
    pub servers: Vec<String>,
    /// How long.
    pub waited: Duration,
    /// What one of them said last; that they are silent only where none said anything, and none if nobody was asked.
    pub last: Option<String>,
    /// The id of the write that was asked for; none for a read.
    pub request_id: Option<String>,
    /// The write reached a coordinator, so it may have happened.
    pub may_be_written: bool,
}

impl fmt::Display for NoQuorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (servers, waited) = (self.servers.join(", "), self.waited.as_secs_f64());
        let last = self.last.as_deref().unwrap_or("nobody was asked");
        write!(f, "no quorum: none of {servers} could act within {waited:.1} s (last: {last})")?;
        match (&self.request_id, self.may_be_written) {
            (None, _) => Ok(()),
            (Some(_), false) => write!(f, "; nothing was written"),
            (Some(_), true) => write!(f, "; whether it was written is not known"),
        }
    }
}

impl Error {
    /// Nobody answered, so the same request may be asked again.
    pub fn is_no_quorum(&self) -> bool {
        matches!(self, Self::NoQuorum(_))
    }
}
