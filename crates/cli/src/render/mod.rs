//! Answers as text for people. Pure: a view in, text out; colour is in the text, and whoever
//! writes it to something that is not a terminal takes it out again.

mod cluster;
mod columns;
mod events;
mod plans;
mod run;
mod runs;
mod span;
mod word;

pub(crate) use cluster::{AgentList, RegionList};
pub(crate) use columns::{Cell, Table};
pub(crate) use run::advice;
pub(crate) use span::span;
pub(crate) use word::{glyph, printable, style};

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
