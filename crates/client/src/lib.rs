//! How a program talks to a Baton cluster: it finds the leader, repeats what got no answer
//! under the same request id, and watches a run through any number of leaders.
//!
//! [`Client`] asks; [`view`] holds what it answers, with the field names of the JSON that
//! `baton … -o json` prints; [`Error`] says what a caller can do when there is no answer.
//! Wire types stay inside `convert.rs`.

mod channels;
mod client;
mod convert;
mod error;
mod origin;
mod route;
mod verdict;
pub mod view;
mod watch;

pub use client::{Choice, Client, Decision, Filter, Resolution, Start};
pub use error::{Error, NoQuorum};
pub use origin::{Origin, new_request_id};
pub use watch::{News, Watch};
