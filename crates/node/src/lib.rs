//! One coordinator: raft carries commands to the engine ([`raft`]), gRPC carries them in from
//! operators, agents and the other members ([`grpc`]), and while this coordinator leads it
//! proposes, dispatches and keeps time (`leader`).

mod apart;
pub mod config;
#[cfg(fuzzing)]
pub mod doors;
pub mod grpc;
mod leader;
pub mod raft;
#[cfg(feature = "sabotage")]
mod sabotage;
mod server;
mod surroundings;

pub use config::{Config, Profile};
pub use server::{run, serve};
pub use surroundings::{OpenLog, Surroundings, Witness};
