//! Real processes of the built binary: coordinators and agents on loopback ports, killed, frozen,
//! wiped and brought back, with a witness at the target that counts.

mod support;

mod agents;
mod coordinators;
mod disaster;
mod every_call;
mod limits;
mod local;
mod matrix_agents;
mod matrix_coordinators;
mod matrix_cuts;
mod matrix_frozen;
mod membership;
mod operators;
mod patterns;
mod people;
mod plans;
mod preference;
mod regions;
mod shape;
mod takeover;
mod under_fire;
mod undo;
