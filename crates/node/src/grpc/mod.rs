//! The coordinator's doors: operators, agents and the other members. Wire types stop at
//! `convert` (what comes in) and `view` (what goes out).

pub(crate) mod agents;
mod catalogue;
pub(crate) mod convert;
pub(crate) mod operator;
pub mod peer;
mod replicate;
mod view;
