//! P4: plans and runs behave as one copy. Each is a register of its own, so each is searched by itself.

use std::collections::BTreeMap;

use serde_json::Value;

use super::wgl::{Found, Model, Timed, search};
use super::{Evidence, Valid, Verdict};
use crate::history::{Pair, pairs};

const NAME: &str = "linearizable";

/// Enough for thousands of operations, and an end in seconds.
const STEPS: u64 = 20_000_000;

/// A register that everybody writes to and reads.
struct Register;

#[derive(Debug, Clone)]
enum Access {
    Write(Value),
    Read(Value),
    /// From the one to the other.
    Swap(Value, Value),
}

impl Model for Register {
    type State = Value;
    type Op = Access;

    fn initial(&self) -> Value {
        Value::Null
    }

    fn step(&self, state: &Value, op: &Access) -> Option<Value> {
        match op {
            Access::Write(value) => Some(value.clone()),
            Access::Read(value) => (value == state).then(|| state.clone()),
            Access::Swap(from, to) => (from == state).then(|| to.clone()),
        }
    }
}

/// A run that only people move.
struct Life;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Pause,
    Resume,
    Cancel,
    Read(String),
}

impl Model for Life {
    type State = String;
    type Op = Word;

    fn initial(&self) -> String {
        "running".into()
    }

    fn step(&self, state: &String, op: &Word) -> Option<String> {
        let next = match op {
            Word::Read(status) => return (status == state).then(|| state.clone()),
            // A run that has ended is refused everything.
            _ if state == "canceled" => return None,
            Word::Pause => "paused",
            Word::Resume => "running",
            Word::Cancel => "canceled",
        };
        Some(next.to_owned())
    }
}

pub(super) fn check(evidence: &Evidence) -> Verdict {
    let pairs = pairs(&evidence.history);
    let (registers, lives) = (registers(&pairs), lives(&pairs));
    let keys = registers.len() + lives.len();
    let operations =
        registers.values().map(Vec::len).sum::<usize>() + lives.values().map(Vec::len).sum::<usize>();
    let mut findings = Vec::new();
    let mut gave_up = Vec::new();
    let found = registers.iter().map(|(key, ops)| (key, shown(ops, &search(&Register, ops, STEPS))));
    let found = found.chain(lives.iter().map(|(key, ops)| (key, shown(ops, &search(&Life, ops, STEPS)))));
    for (key, (valid, text)) in found {
        match valid {
            Valid::True => {}
            Valid::False => findings.push(format!("{key}: {text}")),
            Valid::Unknown => gave_up.push(format!("{key}: {text}")),
        }
    }
    let note = format!("{operations} operations on {keys} registers");
    if findings.is_empty() && !gave_up.is_empty() {
        return Verdict { checker: NAME, valid: Valid::Unknown, note, findings: gave_up };
    }
    Verdict::of(NAME, note, findings)
}

fn shown<O: std::fmt::Debug>(ops: &[Timed<O>], found: &Found) -> (Valid, String) {
    match found {
        Found::Legal => (Valid::True, String::new()),
        Found::GaveUp => (
            Valid::Unknown,
            format!("no order was found or excluded in {STEPS} steps, of {} operations", ops.len()),
        ),
        Found::Illegal { longest, stuck } => {
            let next: Vec<_> = stuck.iter().take(5).map(|at| format!("{:?}", ops[*at])).collect();
            (
                Valid::False,
                format!(
                    "no order: after {longest} operations none of these can be next: {}",
                    next.join("; ")
                ),
            )
        }
    }
}

type By<O> = BTreeMap<String, Vec<Timed<O>>>;

fn registers(pairs: &[Pair<'_>]) -> By<Access> {
    let mut by_key = By::new();
    for pair in pairs.iter().filter(|pair| !pair.failed()) {
        if let Some((key, op)) = access(pair) {
            push(&mut by_key, key, pair, op);
        }
    }
    by_key
}

/// An access to a plan of ours, or to a register of a foreign history: `[key value]`, or a value alone.
fn access(pair: &Pair<'_>) -> Option<(String, Access)> {
    let answer = pair.ok().map(|op| &op.value);
    let value = answer.unwrap_or(&pair.invoke.value);
    let (key, inner) = match value {
        Value::Object(map) => {
            (map.get("key")?.as_str()?.to_owned(), map.get("value").cloned().unwrap_or_default())
        }
        Value::Array(both) if both.len() == 2 && pair.invoke.f != "cas" => {
            (both[0].to_string(), both[1].clone())
        }
        other => ("register".to_owned(), other.clone()),
    };
    match &*pair.invoke.f {
        "write" => Some((key, Access::Write(inner))),
        // A read that nobody answered says nothing.
        "read-plan" | "read" => answer.map(|_| (key, Access::Read(inner))),
        "cas" => Some((key, Access::Swap(inner.get(0)?.clone(), inner.get(1)?.clone()))),
        _ => None,
    }
}

fn lives(pairs: &[Pair<'_>]) -> By<Word> {
    let started = |pair: &Pair<'_>| {
        let op = pair.ok().filter(|op| op.f == "start" && op.text("plan") == Some("register-run"))?;
        Some((op.text("run")?.to_owned(), Vec::new()))
    };
    let mut by_run: By<Word> = pairs.iter().filter_map(started).collect();
    for pair in pairs.iter().filter(|pair| !pair.failed()) {
        let Some(run) = pair.invoke.text("run").filter(|run| by_run.contains_key(*run)) else { continue };
        let word = match (&*pair.invoke.f, pair.invoke.text("decision")) {
            ("decide", Some("pause")) => Word::Pause,
            ("decide", Some("resume")) => Word::Resume,
            ("decide", Some("cancel")) => Word::Cancel,
            ("read", _) => match pair.ok().and_then(|op| op.text("status")) {
                Some(status) => Word::Read(status.to_owned()),
                None => continue,
            },
            _ => continue,
        };
        push(&mut by_run, run.to_owned(), pair, word);
    }
    by_run
}

fn push<O>(by_key: &mut By<O>, key: String, pair: &Pair<'_>, op: O) {
    let ended = pair.ok().map(|op| op.time);
    by_key.entry(key).or_default().push(Timed { op, began: pair.invoke.time, ended });
}

#[cfg(test)]
mod tests {
    use super::super::made::history;
    use super::*;

    /// `process f value`, each from its line's beginning to its end.
    fn valid(lines: &[(&str, &str, &str)]) -> Valid {
        let line = |(at, (f, asked, answered)): (usize, &(&str, &str, &str))| {
            let time = at * 10;
            format!(
                "{{:type :invoke :process 1 :f :{f} :value {asked} :time {time}}} {{:type :ok :process 1 :f :{f} :value {answered} :time {}}}",
                time + 5
            )
        };
        let text: Vec<_> = lines.iter().enumerate().map(line).collect();
        check(&history(&text.join("\n"))).valid
    }

    #[test]
    fn two_swapped_reads_of_a_plan_are_seen() {
        let write = |value: u8| ("write", "{}", format!("{{:key \"k\" :value {value}}}"));
        let read = |value: u8| ("read-plan", "{}", format!("{{:key \"k\" :value {value}}}"));
        let (w1, w2, r1, r2) = (write(1), write(2), read(1), read(2));
        fn borrow<'a>(line: &'a (&'a str, &'a str, String)) -> (&'a str, &'a str, &'a str) {
            (line.0, line.1, &line.2)
        }
        assert_eq!(valid(&[&w1, &r1, &w2, &r2].map(borrow)), Valid::True);
        assert_eq!(valid(&[&w1, &r2, &w2, &r1].map(borrow)), Valid::False);
        assert_eq!(valid(&[&w1, &w2, &r1].map(borrow)), Valid::False);
    }

    #[test]
    fn a_run_that_was_canceled_is_never_seen_running_again() {
        let start = ("start", "{}", "{:run \"r\" :plan \"register-run\"}");
        let cancel = ("decide", "{:run \"r\" :decision \"cancel\"}", "{}");
        let running = ("read", "{:run \"r\"}", "{:run \"r\" :status \"running\"}");
        let canceled = ("read", "{:run \"r\"}", "{:run \"r\" :status \"canceled\"}");
        assert_eq!(valid(&[start, running, cancel, canceled]), Valid::True);
        assert_eq!(valid(&[start, cancel, running]), Valid::False);
    }

    #[test]
    fn a_foreign_register_is_understood() {
        assert_eq!(
            valid(&[("write", "3", "3"), ("cas", "[3 4]", "[3 4]"), ("read", "nil", "4")]),
            Valid::True
        );
        assert_eq!(
            valid(&[("write", "3", "3"), ("cas", "[3 4]", "[3 4]"), ("read", "nil", "3")]),
            Valid::False
        );
        assert_eq!(valid(&[("write", "[1 3]", "[1 3]"), ("read", "[2 nil]", "[2 nil]")]), Valid::True);
    }
}
