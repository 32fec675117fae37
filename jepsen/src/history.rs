//! What was asked and what became of it, in the order in which it was seen: Jepsen's history.
//!
//! An operation is an `invoke`, then `ok` (it happened), `fail` (it certainly did not) or `info` (nobody knows).
//! After an `info` its process is retired, because the operation may still be under way.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};

use crate::edn;

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

/// Who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Process {
    Client(u64),
    Nemesis,
}

/// One line of a history.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Op {
    pub(crate) index: u64,
    /// Nanoseconds since the beginning of the test.
    pub(crate) time: u64,
    pub(crate) kind: Kind,
    pub(crate) process: Process,
    pub(crate) f: String,
    pub(crate) value: Value,
    pub(crate) node: Option<String>,
    pub(crate) error: Option<String>,
}

/// An operation from its beginning to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub(crate) invoke: &'a Op,
    /// None while nobody knows how it ended; an `info` counts as that.
    pub(crate) end: Option<&'a Op>,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Invoke => "invoke",
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(number) => write!(f, "{number}"),
            Self::Nemesis => f.write_str("nemesis"),
        }
    }
}

impl Op {
    /// Its line in the file.
    pub(crate) fn line(&self) -> String {
        let process = match self.process {
            Process::Client(number) => number.to_string(),
            Process::Nemesis => ":nemesis".to_owned(),
        };
        let mut line = format!(
            "{{:index {}, :time {}, :type :{}, :process {process}, :f :{}, :value {}",
            self.index,
            self.time,
            self.kind.word(),
            self.f,
            edn::written(&self.value)
        );
        for (key, text) in [("node", &self.node), ("error", &self.error)] {
            if let Some(text) = text {
                line.push_str(&format!(", :{key} {}", edn::written(&json!(text))));
            }
        }
        line.push('}');
        line
    }

    fn read(map: &Map<String, Value>, position: usize) -> anyhow::Result<Op> {
        let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
        let kind = match text("type").as_deref() {
            Some("invoke") => Kind::Invoke,
            Some("ok") => Kind::Ok,
            Some("fail") => Kind::Fail,
            Some("info") => Kind::Info,
            other => bail!("operation {position} is of type {other:?}: invoke, ok, fail or info is expected"),
        };
        let process = match map.get("process") {
            Some(Value::Number(number)) => Process::Client(number.as_u64().context("a negative process")?),
            _ => Process::Nemesis,
        };
        let number = |key: &str| map.get(key).and_then(Value::as_u64);
        Ok(Op {
            index: number("index").unwrap_or(position as u64),
            time: number("time").unwrap_or(position as u64),
            kind,
            process,
            f: text("f").unwrap_or_default(),
            value: map.get("value").cloned().unwrap_or(Value::Null),
            node: text("node"),
            error: text("error"),
        })
    }

    /// The log index that its answer reflects.
    pub(crate) fn revision(&self) -> Option<u64> {
        self.value.get("revision")?.as_u64()
    }

    /// A text in its value.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.value.get(key)?.as_str()
    }
}

/// Reads a history: one operation after the other, or all of them in one vector.
///
/// # Errors
/// A sentence about the first operation that is not understood.
pub(crate) fn read(text: &str) -> anyhow::Result<Vec<Op>> {
    let mut values = edn::read_all(text)?;
    if let [Value::Array(all)] = values.as_slice() {
        values = all.clone();
    }
    let read = |(position, value): (usize, &Value)| {
        let map = value.as_object().with_context(|| format!("operation {position} is no map"))?;
        Op::read(map, position)
    };
    values.iter().enumerate().map(read).collect()
}

/// Every operation of the clients, in the order of their beginnings.
pub(crate) fn pairs(history: &[Op]) -> Vec<Pair<'_>> {
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    let mut open: BTreeMap<Process, usize> = BTreeMap::new();
    for op in history.iter().filter(|op| op.process != Process::Nemesis) {
        match op.kind {
            Kind::Invoke => {
                open.insert(op.process, pairs.len());
                pairs.push(Pair { invoke: op, end: None });
            }
            Kind::Info => {
                open.remove(&op.process);
            }
            Kind::Ok | Kind::Fail => {
                if let Some(at) = open.remove(&op.process) {
                    pairs[at].end = Some(op);
                }
            }
        }
    }
    pairs
}

impl<'a> Pair<'a> {
    /// Its answer, if it happened.
    pub(crate) fn ok(&self) -> Option<&'a Op> {
        self.end.filter(|op| op.kind == Kind::Ok)
    }

    /// It certainly did not happen.
    pub(crate) fn failed(&self) -> bool {
        self.end.is_some_and(|op| op.kind == Kind::Fail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_read_as_it_was_written() {
        let op = Op {
            index: 12,
            time: 123_456_789,
            kind: Kind::Invoke,
            process: Process::Client(3),
            f: "submit".into(),
            value: json!({"run": "run-7"}),
            node: Some("c1".into()),
            error: None,
        };
        let nemesis =
            Op { process: Process::Nemesis, kind: Kind::Info, error: Some("why".into()), ..op.clone() };
        let text = format!("{}\n{}\n", op.line(), nemesis.line());
        assert!(text.starts_with(
            "{:index 12, :time 123456789, :type :invoke, :process 3, :f :submit, :value {:run \"run-7\"}"
        ));
        assert_eq!(read(&text).unwrap(), [op.clone(), nemesis]);
        assert_eq!(read(&format!("[{}]", op.line())).unwrap(), [op]);
    }

    #[test]
    fn an_operation_that_nobody_knows_the_end_of_stays_open() {
        let text = "{:type :invoke :process 1 :f :a} {:type :invoke :process 2 :f :b} {:type :info :process 1 :f :a} {:type :ok :process 2 :f :b}";
        let history = read(text).unwrap();
        let pairs = pairs(&history);
        assert!(pairs[0].end.is_none() && pairs[1].ok().is_some());
    }
}
