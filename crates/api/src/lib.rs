//! The messages and services of `proto/`, generated: the one door to prost and tonic's
//! code generation. Wire types stop at each process's own conversion file
//! (`node/src/grpc/convert.rs`, `agent/src/session.rs`, `client`), so that nothing else
//! has to change when a message does. [`connect`] is how the messages find their way.
#![allow(missing_docs, clippy::all)]

pub mod connect;

tonic::include_proto!("baton.v1");

/// Metadata key under which a coordinator that does not lead names the leader's address.
pub const LEADER_METADATA: &str = "baton-leader";

/// Metadata of a refusal among members: the one that asked was set back to an old copy of its data, and must not go on.
pub const SET_BACK_METADATA: &str = "baton-set-back";

#[cfg(fuzzing)]
pub use prost::Message;
