//! The agent: does steps in one region and remembers what it did.
//!
//! `ledger` decides, purely; `agent` performs what it decides, through the `machine`. `journal` is the memory that
//! makes an agent the one it was, `keeper` its `hand` on the `supervisor` processes, one an attempt at a time,
//! which outlive it, `crew` those that it has, `line` what it says to each, `cradle` where they are born. `session` is the stream to whoever leads, `lease` how long the agent may
//! start something new, `shelf` folders to be used again, `sweep` the end of everything that must not act any more.

mod actions;
mod agent;
#[doc(hidden)]
pub mod attempt;
mod cgroup;
mod config;
mod cradle;
mod crew;
#[cfg(fuzzing)]
pub mod doors;
mod folder;
mod hand;
mod home;
mod host;
#[doc(hidden)]
pub mod journal;
mod keeper;
#[doc(hidden)]
pub mod lease;
#[doc(hidden)]
pub mod ledger;
mod line;
mod machine;
mod process;
mod secret;
mod session;
mod shelf;
mod supervisor;
mod sweep;

pub use actions::act;
pub use agent::{run, run_on};
pub use config::Config;
pub use cradle::cradle;
#[doc(hidden)]
pub use folder::seen;
pub use machine::{Machine, Memory, Voice};
pub use supervisor::supervise;
