//! What was answered to which request id, so that a repeated request is done once (semantics R8).
//!
//! There may be hundreds of thousands, and a snapshot begins with a copy of the state: they stand in parts that a copy
//! shares, of which an answer changes two, and are written as they stand.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::ser::{SerializeMap as _, SerializeSeq as _, SerializeStruct as _};
use serde::{Deserialize, Serialize, Serializer};

use crate::chain;
use crate::command::Answer;

/// How many answers are kept at least, and how long: a client that repeats a request later than
/// both is answered as a new one.
const KEPT: usize = 10_000;
const KEPT_MS: u64 = 24 * 60 * 60 * 1000;
/// How many are kept at most: a cluster that is asked without a pause must not fill its memory, nor its snapshots.
const MOST_KEPT: usize = 250_000;

/// Parts of the receipts, by the digest of their ids; and ids in one part of their order.
const PARTS: usize = 512;
const PART_LENGTH: usize = 1024;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Digest of the request's body.
    pub digest: u64,
    /// The answer.
    pub answer: Answer,
}

/// When an id came, cluster time.
type Kept = (u64, Arc<str>);

/// All receipts that are still kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Stored")]
pub struct Requests {
    receipts: Vec<Arc<BTreeMap<Arc<str>, Receipt>>>,
    /// The oldest first.
    order: VecDeque<Arc<VecDeque<Kept>>>,
    length: usize,
}

/// How they are read.
#[derive(Deserialize)]
struct Stored {
    receipts: BTreeMap<String, Receipt>,
    order: VecDeque<(u64, String)>,
}

impl Default for Requests {
    fn default() -> Self {
        Self { receipts: vec![Arc::default(); PARTS], order: VecDeque::new(), length: 0 }
    }
}

/// Where the parts of the order are cut says nothing.
impl PartialEq for Requests {
    fn eq(&self, other: &Self) -> bool {
        self.receipts == other.receipts && self.in_order().eq(other.in_order())
    }
}

impl Requests {
    /// What was answered to this id before.
    pub fn receipt(&self, id: &str) -> Option<&Receipt> {
        self.receipts[part_of(id)].get(id)
    }

    /// Keeps an answer, and lets go of those that are too old.
    pub fn keep(&mut self, id: String, receipt: Receipt, now_ms: u64) {
        self.put(id.into(), receipt, now_ms);
        let is_old = |at_ms| at_ms + KEPT_MS < now_ms;
        while self.length > KEPT
            && (self.length > MOST_KEPT || self.oldest_ms().is_some_and(is_old))
            && let Some(oldest) = self.take_oldest()
        {
            Arc::make_mut(&mut self.receipts[part_of(&oldest)]).remove(&oldest);
        }
    }

    fn put(&mut self, id: Arc<str>, receipt: Receipt, at_ms: u64) {
        if self.order.back().is_none_or(|part| part.len() >= PART_LENGTH) {
            self.order.push_back(Arc::default());
        }
        if let Some(newest) = self.order.back_mut() {
            Arc::make_mut(newest).push_back((at_ms, Arc::clone(&id)));
        }
        self.length += 1;
        Arc::make_mut(&mut self.receipts[part_of(&id)]).insert(id, receipt);
    }

    fn in_order(&self) -> impl Iterator<Item = &Kept> {
        self.order.iter().flat_map(|part| part.iter())
    }

    fn oldest_ms(&self) -> Option<u64> {
        self.order.front()?.front().map(|(at_ms, _)| *at_ms)
    }

    fn take_oldest(&mut self) -> Option<Arc<str>> {
        let part = Arc::make_mut(self.order.front_mut()?);
        let (_, oldest) = part.pop_front()?;
        if part.is_empty() {
            self.order.pop_front();
        }
        self.length -= 1;
        Some(oldest)
    }
}

fn part_of(id: &str) -> usize {
    chain::digest(&id) as usize % PARTS
}

impl From<Stored> for Requests {
    fn from(Stored { mut receipts, order }: Stored) -> Self {
        let mut requests = Requests::default();
        for (at_ms, id) in order {
            if let Some(receipt) = receipts.remove(&id) {
                requests.put(id.into(), receipt, at_ms);
            }
        }
        requests
    }
}

/// As [`Stored`] is read, without a copy of any: a snapshot holds them all.
impl Serialize for Requests {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut stored = serializer.serialize_struct("Stored", 2)?;
        stored.serialize_field("receipts", &Receipts(self))?;
        stored.serialize_field("order", &Order(self))?;
        stored.end()
    }
}

struct Receipts<'a>(&'a Requests);

impl Serialize for Receipts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let count = self.0.receipts.iter().map(|part| part.len()).sum();
        let mut map = serializer.serialize_map(Some(count))?;
        for (id, receipt) in self.0.receipts.iter().flat_map(|part| part.iter()) {
            map.serialize_entry(&**id, receipt)?;
        }
        map.end()
    }
}

struct Order<'a>(&'a Requests);

impl Serialize for Order<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.length))?;
        for (at_ms, id) in self.0.in_order() {
            list.serialize_element(&(at_ms, &**id))?;
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: usize) -> Requests {
        let mut requests = Requests::default();
        for number in 0..count {
            let receipt = Receipt { digest: number as u64, answer: Answer::Done };
            requests.keep(format!("request {number}"), receipt, number as u64);
        }
        requests
    }

    #[test]
    fn old_ones_go_once_there_are_enough_and_no_others() {
        let mut requests = filled(KEPT + 3000);
        let later = |ms: u64| KEPT_MS + ms;
        requests.keep("a".into(), Receipt { digest: 1, answer: Answer::Done }, later(2000));
        assert!(requests.receipt("request 1999").is_none(), "more than enough, and a day old");
        assert!(requests.receipt("request 2000").is_some(), "a day old, and no older");
        requests.keep("b".into(), Receipt { digest: 1, answer: Answer::Done }, later(KEPT_MS));
        assert!(requests.receipt("request 3001").is_none());
        assert!(requests.receipt("request 3002").is_some(), "old, and needed to be enough");
        assert_eq!(requests.length, KEPT);
    }

    #[test]
    fn they_are_written_as_a_map_and_an_order() {
        let requests = filled(2 * PART_LENGTH + 1);
        let written = serde_json::to_value(&requests).unwrap();
        let stored = Stored::deserialize(&written).unwrap();
        assert_eq!((stored.receipts.len(), stored.order.len()), (2 * PART_LENGTH + 1, 2 * PART_LENGTH + 1));
        assert_eq!(stored.order.iter().map(|(at_ms, _)| *at_ms).collect::<Vec<_>>(), Vec::from_iter(0..2049));
        assert_eq!(Requests::from(stored), requests);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_however_young() {
        let requests = filled(MOST_KEPT + 2);
        assert!(requests.receipt("request 1").is_none());
        assert!(requests.receipt("request 2").is_some());
        assert_eq!(requests.length, MOST_KEPT);
    }
}
