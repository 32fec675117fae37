//! What was answered to which request id, so that a repeated request is done once (semantics R8).
//!
//! There may be hundreds of thousands, and a snapshot begins with a copy of the state: they stand in parts that a copy
//! shares, of which an answer changes one, and take little more room than their texts.

mod stored;

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::chain;
use crate::command::Answer;

/// How many answers are kept at least, and how long: a client that repeats a request later than
/// both is answered as a new one.
const KEPT: usize = 10_000;
const KEPT_MS: u64 = 24 * 60 * 60 * 1000;
/// How many are kept at most: a cluster that is asked without a pause must not fill its memory, nor its snapshots.
const MOST_KEPT: usize = 250_000;

/// Parts of the receipts, by the digest of their ids: few stand in each, for every command goes through one. And how many
/// of the order one piece of it holds.
const PARTS: usize = 4096;
const PIECE: usize = 4096;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Digest of the request's body.
    pub digest: u64,
    /// The answer.
    pub answer: Answer,
}

/// All receipts that are still kept.
#[derive(Debug, Clone)]
pub struct Requests {
    /// Each in the order in which its ids came.
    parts: Vec<Arc<VecDeque<Row>>>,
    /// In which part each id stands, the oldest first.
    order: VecDeque<Arc<VecDeque<u16>>>,
    length: usize,
}

/// One receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    /// When the id came, cluster time.
    at_ms: u64,
    digest: u64,
    /// The id, and behind it the run that the answer names.
    text: Box<str>,
    id_length: u32,
    answer: Kind,
}

/// What the answer says of the run that it names, or all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Started,
    Decided,
    Other(Box<Answer>),
}

impl Row {
    fn new(at_ms: u64, id: &str, receipt: Receipt) -> Row {
        let (run, answer) = match receipt.answer {
            Answer::Started { run } => (run, Kind::Started),
            Answer::Decided { run } => (run, Kind::Decided),
            other => (String::new(), Kind::Other(Box::new(other))),
        };
        let text = [id, &run].concat().into_boxed_str();
        Row { at_ms, digest: receipt.digest, text, id_length: id.len() as u32, answer }
    }

    fn id(&self) -> &str {
        &self.text[..self.id_length as usize]
    }

    fn receipt(&self) -> Receipt {
        let run = || self.text[self.id_length as usize..].to_owned();
        let answer = match &self.answer {
            Kind::Started => Answer::Started { run: run() },
            Kind::Decided => Answer::Decided { run: run() },
            Kind::Other(answer) => (**answer).clone(),
        };
        Receipt { digest: self.digest, answer }
    }
}

impl Default for Requests {
    fn default() -> Self {
        Self { parts: vec![Arc::default(); PARTS], order: VecDeque::new(), length: 0 }
    }
}

/// Where the order is cut says nothing.
impl PartialEq for Requests {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
            && self.order.iter().flat_map(|p| &**p).eq(other.order.iter().flat_map(|p| &**p))
    }
}

impl Requests {
    /// What was answered to this id before.
    pub fn receipt(&self, id: &str) -> Option<Receipt> {
        let mut rows = self.parts[part_of(id)].iter();
        rows.find(|row| row.id() == id).map(Row::receipt)
    }

    /// Keeps an answer, and lets go of those that are too old.
    pub fn keep(&mut self, id: &str, receipt: Receipt, now_ms: u64) {
        self.put(Row::new(now_ms, id, receipt));
        let is_old = |at_ms| at_ms + KEPT_MS < now_ms;
        while self.length > KEPT && (self.length > MOST_KEPT || self.oldest_ms().is_some_and(is_old)) {
            self.drop_oldest();
        }
    }

    fn put(&mut self, row: Row) {
        let part = part_of(row.id());
        if self.order.back().is_none_or(|piece| piece.len() >= PIECE) {
            self.order.push_back(Arc::default());
        }
        if let Some(newest) = self.order.back_mut() {
            Arc::make_mut(newest).push_back(part as u16);
        }
        self.length += 1;
        let rows = Arc::make_mut(&mut self.parts[part]);
        if rows.len() == rows.capacity() {
            rows.reserve_exact(4 + rows.len() / 8);
        }
        rows.push_back(row);
    }

    fn oldest_ms(&self) -> Option<u64> {
        let part = self.order.front()?.front()?;
        self.parts[usize::from(*part)].front().map(|row| row.at_ms)
    }

    fn drop_oldest(&mut self) {
        let Some(piece) = self.order.front_mut() else { return };
        let piece = Arc::make_mut(piece);
        if let Some(part) = piece.pop_front() {
            Arc::make_mut(&mut self.parts[usize::from(part)]).pop_front();
            self.length -= 1;
        }
        if piece.is_empty() {
            self.order.pop_front();
        }
    }

    /// All rows, the oldest first.
    fn in_order(&self) -> impl Iterator<Item = &Row> {
        let mut parts: Vec<_> = self.parts.iter().map(|part| part.iter()).collect();
        let order = self.order.iter().flat_map(|piece| piece.iter());
        order.filter_map(move |part| parts[usize::from(*part)].next())
    }
}

fn part_of(id: &str) -> usize {
    chain::digest(&id) as usize % PARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: usize) -> Requests {
        let mut requests = Requests::default();
        for number in 0..count {
            let answer = match number % 3 {
                0 => Answer::Started { run: format!("run-{number}") },
                1 => Answer::Decided { run: format!("run-{number}") },
                _ => Answer::Done,
            };
            requests.keep(
                &format!("request {number}"),
                Receipt { digest: number as u64, answer },
                number as u64,
            );
        }
        requests
    }

    #[test]
    fn what_was_answered_is_answered_again() {
        let requests = filled(3);
        let answer = |id: &str| requests.receipt(id).map(|receipt| (receipt.digest, receipt.answer));
        assert_eq!(answer("request 0"), Some((0, Answer::Started { run: "run-0".into() })));
        assert_eq!(answer("request 1"), Some((1, Answer::Decided { run: "run-1".into() })));
        assert_eq!(answer("request 2"), Some((2, Answer::Done)));
        assert_eq!(answer("request 0run-0"), None);
    }

    #[test]
    fn old_ones_go_once_there_are_enough_and_no_others() {
        let mut requests = filled(KEPT + 3000);
        let later = |ms: u64| KEPT_MS + ms;
        requests.keep("a", Receipt { digest: 1, answer: Answer::Done }, later(2000));
        assert!(requests.receipt("request 1999").is_none(), "more than enough, and a day old");
        assert!(requests.receipt("request 2000").is_some(), "a day old, and no older");
        requests.keep("b", Receipt { digest: 1, answer: Answer::Done }, later(KEPT_MS));
        assert!(requests.receipt("request 3001").is_none());
        assert!(requests.receipt("request 3002").is_some(), "old, and needed to be enough");
        assert_eq!(requests.length, KEPT);
        assert_eq!(requests.in_order().count(), KEPT);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_however_young() {
        let requests = filled(MOST_KEPT + 2);
        assert!(requests.receipt("request 1").is_none());
        assert!(requests.receipt("request 2").is_some());
        assert_eq!(requests.length, MOST_KEPT);
    }
}
