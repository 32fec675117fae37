//! Where the fuzzer knocks: bytes from outside, taken to where they are read. Built for `cargo fuzz` only.

use std::collections::BTreeSet;

use baton_api::{Message, ToAgent};

use crate::attempt::{Assignment, Report};
use crate::folder::Identity;
use crate::journal::{self, Facts};
use crate::lease::Deadline;
use crate::ledger::{Decision, Event, Ledger};
use crate::session::{Said, down};

/// Messages of a leader, one behind the other. What is not idempotent is started only once its Begin was answered.
pub fn leader_says(mut bytes: &[u8]) {
    let mut ledger = Ledger::restore(Facts::default(), 2, "boot");
    let mut begun = BTreeSet::new();
    ledger.apply(Event::Connected, 0);
    ledger.apply(Event::Renewed { until_ns: u64::MAX }, 0);
    for now_ns in 1.. {
        let Ok(message) = ToAgent::decode_length_delimited(&mut bytes) else { return };
        let Ok(Said::Event(event)) = down(message) else { continue };
        if let Event::BeginAnswered { key, begun: true, .. } = &event {
            begun.insert(key.clone());
        }
        let mut waiting = ledger.apply(event, now_ns);
        while let Some(decision) = waiting.pop() {
            match decision {
                Decision::Journal { token, .. } => {
                    waiting.extend(ledger.apply(Event::Durable(token), now_ns));
                }
                Decision::Start(started) if !started.idempotent && !started.probe => {
                    assert!(begun.contains(&started.key), "{} was started unasked", started.key);
                }
                _ => {}
            }
        }
    }
}

/// This crate's records, and a journal of these bytes.
pub fn records(bytes: &[u8]) {
    use baton_storage::doors::read;
    read::<Assignment>(bytes);
    read::<Report>(bytes);
    read::<Identity>(bytes);
    read::<Deadline>(bytes);
    journal::read_bytes(bytes);
}
