//! The core of Baton in one thread under one seed: the real engine, the agent's real ledger, and a simulated world around
//! them that breaks in every way.
//!
//! `script` writes a schedule from a seed: plans, faults and what people do, as an explicit list. `world` plays it: members
//! with their log, a leader's office, agents with disks and supervisors, links, and a target that keeps its own
//! witness. After everything that happens `laws` judges what the target saw; `marks` counts which rows of
//! the matrix a schedule really produced. `shrink` makes a failing script short. `Sabotage` breaks a part of the simulated
//! shell on purpose, to show that the laws notice.

mod chance;
mod laws;
pub mod marks;
#[doc(hidden)]
pub mod outside;
mod range;
mod sabotage;
pub mod script;
mod shrink;
mod totals;
mod world;

pub use laws::Violation;
pub use range::{Played, Summary, play, play_range};
pub use sabotage::Sabotage;
pub use script::{Script, generate};
pub use shrink::{shorten, shrink};
pub use totals::Totals;
