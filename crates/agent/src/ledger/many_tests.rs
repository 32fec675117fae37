//! An agent may hold thousands of attempts, and hears of one at a time: what it does for one message does not grow with
//! what it holds.

use std::collections::BTreeMap;

use super::{Decision, Event, Ledger};
use crate::attempt::{Action, Assignment, Key, Outcome, Report};
use crate::journal::{Fact, Facts};

const SLOTS: u32 = 4;

fn ledger() -> Ledger {
    let mut ledger = Ledger::restore(Facts::default(), SLOTS, "b1");
    ledger.apply(Event::Renewed { until_ns: u64::MAX }, 0);
    ledger
}

fn assigned(token: u64, action: Action) -> Event {
    let key = Key { run: format!("r-{}", token / 10), step: format!("s{}", token % 10), attempt: 1, token };
    let (environment, timeout_ms) = (BTreeMap::new(), 0);
    Event::Assigned(Assignment { key, probe: false, idempotent: true, action, environment, timeout_ms })
}

/// Lets so many steps that do nothing be assigned, all of them before the first is acknowledged. How many attempts were
/// looked at.
fn noops(count: u64) -> usize {
    let mut ledger = ledger();
    let mut reports = Vec::new();
    for token in 1..=count {
        let decided = ledger.apply(assigned(token, Action::Noop), 0);
        let reported = decided.into_iter().filter_map(|decision| match decision {
            Decision::Report(report) => Some(report.key),
            _ => None,
        });
        reports.extend(reported);
    }
    assert_eq!(reports.len() as u64, count);
    reports.into_iter().for_each(|key| drop(ledger.apply(Event::Acknowledged(key), 0)));
    ledger.attempts.looked_at.get()
}

/// The same of processes, most of which wait for a slot.
fn processes(count: u64) -> usize {
    let mut ledger = ledger();
    let mut open = Vec::new();
    for token in 1..=count {
        open.extend(ledger.apply(assigned(token, Action::Command(vec!["true".into()])), 0));
    }
    let mut done = 0;
    while let Some(decision) = open.pop() {
        open.extend(match decision {
            Decision::Journal { token, .. } => ledger.apply(Event::Durable(token), 0),
            Decision::Start(Assignment { key, .. }) => {
                ledger.apply(Event::Ended(Report::bare(key, Outcome::Succeeded, "")), 0)
            }
            Decision::Report(report) => ledger.apply(Event::Acknowledged(report.key), 0),
            Decision::Forget { .. } => {
                done += 1;
                Vec::new()
            }
            other => panic!("{other:?} was not expected"),
        });
    }
    assert_eq!(done, count);
    ledger.attempts.looked_at.get()
}

#[test]
fn a_message_costs_no_more_when_thousands_are_held() {
    for play in [noops, processes] {
        let (few, many) = (play(100), play(2000));
        assert!(many <= 21 * few, "{few} were looked at for 100 attempts, {many} for 2000");
    }
}

#[test]
fn of_very_many_steps_the_newest_are_remembered() {
    let mut facts = Facts::default();
    let remembered = |token: u64| Fact::Remembered { run: "r".into(), step: format!("s{token}"), token };
    let key = |token: u64| Key { run: "r".into(), step: format!("s{token}"), attempt: 1, token };
    (1..=5000).for_each(|token| facts.absorb(remembered(token)));
    assert_eq!(facts.newest.keys().count(), 4096);
    assert_eq!((facts.newest.of(&key(904)), facts.newest.of(&key(905))), (None, Some(905)));
    let again = Fact::Remembered { run: "r".into(), step: "s905".into(), token: 6000 };
    facts.absorb(again);
    facts.absorb(remembered(6001));
    assert_eq!((facts.newest.of(&key(905)), facts.newest.of(&key(906))), (Some(6000), None));
}
