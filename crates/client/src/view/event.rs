//! The timeline of a run.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Time;

/// A page of a run's timeline, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventList {
    /// What happened.
    pub events: Vec<Event>,
    /// There are later ones.
    pub more: bool,
    /// The log index that this reflects.
    pub revision: u64,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// 1, 2, … within the run.
    pub sequence: u64,
    /// Wall time.
    pub at: Option<Time>,
    /// Cluster time since the run's start.
    pub elapsed_ms: u64,
    /// What kind of thing, in the past tense.
    pub kind: String,
    /// The step that it is about.
    pub step: Option<String>,
    /// One line for people.
    pub text: String,
    /// The facts in it.
    pub fields: BTreeMap<String, String>,
    /// The log index that brought it.
    pub revision: u64,
    /// The chain over this and every earlier event.
    pub digest: String,
}
