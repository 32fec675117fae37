//! Raft: the one home of openraft in this program. [`Cluster`] is what the rest of the node sees
//! of it: write a batch, make a read linearizable, look at the state, know who leads.

mod acknowledged;
pub(crate) mod archive;
mod archive_index;
pub mod backup;
mod cluster;
pub(crate) mod convert;
mod fetch;
mod formation;
pub(crate) mod formats;
mod founding;
mod in_flight;
mod leadership;
mod link;
mod log_cache;
mod log_store;
pub(crate) mod membership;
mod network;
mod peers;
mod pipeline;
pub mod restore;
mod room;
mod set_back;
mod snapshot;
mod standing;
mod start;
mod state_machine;
mod status;
mod succession;
mod types;

#[cfg(test)]
pub(crate) mod pipes;
#[cfg(test)]
mod suite_tests;

pub use cluster::{Cluster, ReadError, WriteError};
pub use leadership::Leadership;
pub use state_machine::Machine;
pub(crate) use state_machine::{Watch, Watched};
pub use types::Member;
pub(crate) use types::{Appended, Asking};

pub(crate) use peers::MESSAGE_LIMIT;
pub(crate) use standing::{Refusal, wire_reach};
pub(crate) use succession::Line;
