//! What must hold: one file a law. Every checker is a pure function of what was recorded, and says *true*, *false* or
//! *unknown*, with what it found.

mod acknowledged;
mod alive;
mod at_most_once;
mod capacity;
mod chain;
mod clocks;
mod clones;
mod coverage;
mod decided;
mod doubts;
mod linearizable;
mod locks;
mod logs;
mod lost_data;
mod members;
mod one_run;
mod order;
mod restored;
mod revisions;
mod strangers;
mod tokens;
mod undone;
mod wgl;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::history::Op;
use crate::last::Last;
use crate::witness::Seen;

pub(crate) use coverage::{Fired, fired};
pub(crate) use decided::is_decided;
pub(crate) use logs::alarms as logs_of;

/// Everything that was recorded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    pub(crate) history: Vec<Op>,
    pub(crate) witness: Vec<Seen>,
    /// None when the cluster could not be asked at the end, or in a history of others.
    pub(crate) last: Option<Last>,
    /// Lines of the nodes' logs that must not be there, with the node's name.
    pub(crate) alarms: Vec<String>,
    /// Nemeses that were to be used; those that were asked for by name.
    pub(crate) nemeses: Vec<String>,
    pub(crate) insisted: BTreeSet<String>,
}

impl Evidence {
    /// What the cluster said at the end, or why it said nothing.
    fn last(&self) -> Result<&Last, String> {
        let unanswered = || self.history.iter().find(|op| op.f == "unanswered")?.text("why");
        self.last.as_ref().ok_or_else(|| {
            format!(
                "the cluster could not be asked at the end: {}",
                unanswered().unwrap_or("nobody says why")
            )
        })
    }
}

/// Whether a law holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Valid {
    True,
    Unknown,
    False,
}

/// What one checker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) checker: &'static str,
    pub(crate) valid: Valid,
    /// What was looked at, in a few words.
    pub(crate) note: String,
    /// Why it is not true.
    pub(crate) findings: Vec<String>,
}

impl Valid {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::Unknown => "unknown",
            Self::False => "false",
        }
    }

    /// The exit code of the suite.
    pub(crate) fn exit(self) -> u8 {
        match self {
            Self::True => 0,
            Self::False => 1,
            Self::Unknown => 2,
        }
    }
}

impl Verdict {
    /// True, unless something was found.
    fn of(checker: &'static str, note: impl Into<String>, findings: Vec<String>) -> Verdict {
        let valid = if findings.is_empty() { Valid::True } else { Valid::False };
        Verdict { checker, valid, note: note.into(), findings }
    }

    fn unknown(checker: &'static str, why: impl Into<String>) -> Verdict {
        Verdict { checker, valid: Valid::Unknown, note: String::new(), findings: vec![why.into()] }
    }

    pub(crate) fn value(&self) -> Value {
        json!({"checker": self.checker, "valid": self.valid.word(), "note": self.note, "findings": self.findings})
    }
}

/// A checker by the name of its law.
type Checker = fn(&Evidence) -> Verdict;

/// All of them, in the order of the report.
const CHECKERS: [Checker; 21] = [
    at_most_once::check,
    acknowledged::check,
    one_run::check,
    order::check,
    undone::check,
    tokens::check,
    locks::check,
    capacity::check,
    linearizable::check,
    revisions::check,
    decided::check,
    doubts::check,
    members::check,
    chain::check,
    lost_data::check,
    alive::check,
    clocks::check,
    clones::check,
    strangers::check,
    logs::check,
    coverage::check,
];

/// Asks all of them.
pub(crate) fn all(evidence: &Evidence) -> Vec<Verdict> {
    let evidence = &restored::known(evidence);
    CHECKERS.iter().map(|check| check(evidence)).collect()
}

/// The worst of them.
pub(crate) fn overall(verdicts: &[Verdict]) -> Valid {
    verdicts.iter().map(|verdict| verdict.valid).max().unwrap_or(Valid::Unknown)
}

#[cfg(test)]
pub(crate) mod made {
    //! Evidence made for tests.

    use super::*;

    /// A history from the lines of its file.
    pub(crate) fn history(text: &str) -> Evidence {
        Evidence { history: crate::history::read(text).unwrap(), ..Evidence::default() }
    }

    /// A history in which one fault was installed.
    pub(crate) fn fault(card: &str, detail: &str) -> Evidence {
        let value = format!("{{:card \"{card}\" :outcome \"installed\" :detail \"{detail}\" :rows []}}");
        history(&format!("{{:type :info :process :nemesis :f :fault :value {value}}}"))
    }

    /// A line of a target: `time what run/step token`, for attempts that are numbered by their token.
    pub(crate) fn seen(line: &str) -> Seen {
        let words: Vec<_> = line.split_whitespace().collect();
        let (run, step) = words[2].split_once('/').unwrap();
        let (step, undo) = step.strip_prefix("undo:").map_or((step, false), |step| (step, true));
        Seen {
            time: words[0].parse().unwrap(),
            what: words[1].into(),
            run: run.into(),
            step: step.into(),
            attempt: words[3].parse().unwrap(),
            token: words[3].parse().unwrap(),
            direction: if undo { "undo" } else { "do" }.into(),
            request: format!("{run}/{step}"),
            subject: words.get(4).copied().unwrap_or_default().trim_start_matches('-').into(),
            class: words.get(5).copied().unwrap_or("N").into(),
            pid: 1,
        }
    }

    /// Witness and final state.
    pub(crate) fn evidence(lines: &str, last: Value) -> Evidence {
        let witness = lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(seen).collect();
        let last = serde_json::from_value(last).unwrap();
        Evidence { witness, last: Some(last), ..Evidence::default() }
    }

    /// A final state with one run.
    pub(crate) fn run(status: &str, steps: Value) -> Value {
        let ended = matches!(status, "succeeded" | "failed" | "undone" | "canceled").then_some("2026-01-01");
        json!({"runs": [{"run": "r", "plan": "p", "status": status, "ended_at": ended, "steps": steps, "needs_operator": ended.is_none()}], "plans": {}, "members": {}})
    }
}
