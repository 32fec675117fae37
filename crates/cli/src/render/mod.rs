//! Answers as text for people. Pure: a view in, text out; colour is in the text, and whoever
//! writes it to something that is not a terminal takes it out again.

mod advice;
mod answers;
mod cluster;
mod columns;
mod events;
mod members;
mod plans;
mod run;
mod runs;
mod shared;
mod span;
mod tree;
mod why;
mod word;

pub(crate) use advice::advice;
pub(crate) use answers::{CapacitySet, RegionSettled};
pub(crate) use cluster::AgentList;
pub(crate) use columns::{Cell, Table};
pub(crate) use members::{BackedUp, LeaderPreferred, LeaderTransferred, MemberChanged, Restored};
pub(crate) use span::span;
pub(crate) use tree::{Branch, standing, tree};
pub(crate) use why::{people, why};
pub(crate) use word::{glyph, printable, style};

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
