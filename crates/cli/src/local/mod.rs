//! A whole cluster of real processes on this machine: what `baton dev` runs and `baton demo` plays with.

mod bound;
mod cluster;
mod layout;
mod manifest;
mod ports;
mod process;
mod steps;

pub(crate) use cluster::Cluster;
pub(crate) use layout::Layout;
pub(crate) use process::{Process, end_in_words};
