//! The client against coordinators that follow a script.

mod decisions;
mod fake;
mod json;
mod leader;
mod members;
mod watch;
