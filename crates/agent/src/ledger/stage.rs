//! How far an attempt has come.

use std::collections::BTreeMap;

use baton_storage::codec;

use crate::attempt::{Action, Assignment, Report};
use crate::journal::hash;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// For the lease, for a slot, or for an older attempt of the same step to end.
    Waiting(Assignment),
    /// Begin was asked.
    Asking(Assignment),
    /// `started` is on its way to the disk.
    Starting(Assignment),
    /// Under a supervisor, or about to be ended after one.
    Running { boot: String },
    /// `finished` is on its way to the disk.
    Concluding(Report),
    /// Offered until acknowledged.
    Finished(Report),
}

impl Stage {
    /// What an agent has only so many slots for: steps with a process.
    pub(super) fn holds_slot(&self) -> bool {
        match self {
            Stage::Asking(assignment) | Stage::Starting(assignment) => assignment.action != Action::Noop,
            Stage::Running { .. } => true,
            Stage::Waiting(_) | Stage::Concluding(_) | Stage::Finished(_) => false,
        }
    }
}

/// Tells whether two assignments under one token ask for the same.
pub(super) fn action_hash(assignment: &Assignment) -> u64 {
    let Assignment { key, probe, idempotent, action, .. } = assignment;
    let (key, action, probe, idempotent) = (key.clone(), action.clone(), *probe, *idempotent);
    // The environment and the timeout are left out: a leader of a newer version may add to them.
    let bare = Assignment { key, probe, idempotent, action, environment: BTreeMap::new(), timeout_ms: 0 };
    hash(&codec::encode(&bare))
}
