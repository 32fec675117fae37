//! How far an attempt has come.

use std::collections::BTreeMap;

use baton_storage::codec;

use super::Decision;
use crate::attempt::{Action, Assignment, Key, Report};
use crate::journal::{Open, hash};

#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) key: Key,
    pub(super) probe: bool,
    pub(super) idempotent: bool,
    pub(super) action_hash: Option<u64>,
    pub(super) journaled: bool,
    pub(super) stage: Stage,
    pub(super) stop: Option<String>,
    pub(super) asked_ns: u64,
}

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

impl Attempt {
    pub(super) fn restored(open: Open) -> Attempt {
        let (key, idempotent, action_hash, stage) = match open {
            Open::Started(started) => {
                let hash = Some(started.action_hash);
                let stage = Stage::Running { boot: started.boot };
                (started.key, started.idempotent, hash, stage)
            }
            Open::Finished(report) => (report.key.clone(), false, None, Stage::Finished(report)),
        };
        Attempt {
            key,
            probe: false,
            idempotent,
            action_hash,
            journaled: true,
            stage,
            stop: None,
            asked_ns: 0,
        }
    }

    pub(super) fn assigned(assignment: Assignment) -> Attempt {
        Attempt {
            key: assignment.key.clone(),
            probe: assignment.probe,
            idempotent: assignment.idempotent,
            action_hash: Some(action_hash(&assignment)),
            journaled: false,
            stage: Stage::Waiting(assignment),
            stop: None,
            asked_ns: 0,
        }
    }

    /// The leader sent it again: after a takeover, or because an answer was lost.
    pub(super) fn assigned_again(&mut self, new: &Assignment, now_ns: u64, out: &mut Vec<Decision>) {
        if self.action_hash.is_some_and(|hash| hash != action_hash(new)) {
            let reason = "the same token was already assigned here for something else".into();
            let key = new.key.clone();
            return out.push(Decision::Refuse { key, reason });
        }
        let decision = match &self.stage {
            Stage::Asking(assignment) => Decision::AskBegin(assignment.key.clone()),
            Stage::Finished(report) => Decision::Report(report.clone()),
            _ => return,
        };
        self.asked_ns = now_ns;
        out.push(decision);
    }
}

/// Tells whether two assignments under one token ask for the same.
pub(super) fn action_hash(assignment: &Assignment) -> u64 {
    // The environment and the timeout are left out: a leader of a newer version may add to them.
    let bare = Assignment { environment: BTreeMap::new(), timeout_ms: 0, ..assignment.clone() };
    hash(&codec::encode(&bare))
}
