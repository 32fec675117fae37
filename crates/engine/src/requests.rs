//! What was answered to which request id, so that a repeated request is done once (semantics R8).

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::command::Answer;

/// How many answers are kept at least, and how long: a client that repeats a request later than
/// both is answered as a new one.
const KEPT: usize = 10_000;
const KEPT_MS: u64 = 24 * 60 * 60 * 1000;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Digest of the request's body.
    pub digest: u64,
    /// The answer.
    pub answer: Answer,
}

/// All receipts that are still kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    receipts: BTreeMap<String, Receipt>,
    order: VecDeque<(u64, String)>,
}

impl Requests {
    /// What was answered to this id before.
    pub fn receipt(&self, id: &str) -> Option<&Receipt> {
        self.receipts.get(id)
    }

    /// Keeps an answer, and lets go of those that are too old.
    pub fn keep(&mut self, id: String, receipt: Receipt, now_ms: u64) {
        self.order.push_back((now_ms, id.clone()));
        self.receipts.insert(id, receipt);
        while self.order.len() > KEPT
            && self.order.front().is_some_and(|(at, _)| at + KEPT_MS < now_ms)
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.receipts.remove(&oldest);
        }
    }
}
