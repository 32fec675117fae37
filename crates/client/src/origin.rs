//! Who asks, and under which id.

/// What stands in the record beside a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The same id makes a repeated command happen once; with another body it is refused.
    pub request_id: String,
    /// Who asks, for people to read.
    pub operator: String,
    /// The roles that the asker claims; approvals may ask for one.
    pub roles: Vec<String>,
}

impl Origin {
    /// A command that has not been asked before.
    pub fn new(operator: impl Into<String>) -> Self {
        Self { request_id: new_request_id(), operator: operator.into(), roles: Vec::new() }
    }
}

/// An id that no other request has: 128 random bits.
pub fn new_request_id() -> String {
    format!("{:032x}", fastrand::u128(..))
}
