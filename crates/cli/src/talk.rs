//! What is said to the person at the terminal: on stderr, so that stdout stays data.

use std::fmt::Display;
use std::io::Write;

/// Says a line. Nobody listening is no reason to fail.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}
