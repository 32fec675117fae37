//! The client against coordinators that follow a script.

mod fake;
mod json;
mod leader;
mod watch;
