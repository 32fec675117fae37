//! What is wrong with one piece of text, before anyone knows where in the file it stands.

/// A complaint about a value, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {help}")]
pub struct Fault {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// Text from the file as part of a message: no longer than a line, and nothing in it that a terminal might obey.
pub(crate) fn shortened(text: &str) -> String {
    let mut short = harmless(&text.chars().take(60).collect::<String>());
    if text.chars().nth(60).is_some() {
        short.push('…');
    }
    short
}

/// The text with a dot for every character that cannot be seen.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}
