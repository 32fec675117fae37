//! What changed from one version of a plan to the next, field by field.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::entries::{Entry, entries};
use crate::keys::PERFORMED;
use crate::plan::Plan;

/// One change; its text is one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// A step, parameter or resource that is new.
    Added {
        /// Such as `step promote`.
        of: String,
        /// What it is, in short.
        what: String,
    },
    /// One that is gone.
    Removed {
        /// Such as `step promote`.
        of: String,
        /// What it was, in short.
        what: String,
    },
    /// A field that says something else.
    Changed {
        /// `plan`, or such as `step promote`.
        of: String,
        /// Such as `undo.timeout`.
        field: String,
        /// What it said; `None` when it said nothing.
        before: Option<String>,
        /// What it says; `None` when it says nothing any more.
        after: Option<String>,
    },
    /// The same things in another order, which means nothing to a run.
    Reordered {
        /// `params`, `resources`, `steps`, or the fields of one thing.
        of: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Added { of, what } => write!(f, "+ {of}: {what}"),
            Change::Removed { of, what } => write!(f, "- {of}: {what}"),
            Change::Changed { of, field, before, after } => match (before, after) {
                (Some(before), Some(after)) => write!(f, "~ {of}: {field}: {before} → {after}"),
                (None, Some(after)) => write!(f, "~ {of}: {field}: now {after}"),
                (before, None) => {
                    write!(f, "~ {of}: {field}: no longer {}", before.as_deref().unwrap_or_default())
                }
            },
            Change::Reordered { of } => write!(f, "~ {of}: written in another order"),
        }
    }
}

/// Every change, in the order of the new plan; what is gone comes last. Empty exactly when the plans are equal.
pub fn diff(old: &Plan, new: &Plan) -> Vec<Change> {
    let (before, after) = (Things::of(old), Things::of(new));
    let mut changes = Vec::new();
    for of in &after.order {
        match before.fields.get(of) {
            Some(fields) => changed(of, fields, &after.fields[of], &mut changes),
            None => changes.push(Change::Added { of: of.clone(), what: after.short(of) }),
        }
    }
    let gone = before.order.iter().filter(|of| !after.fields.contains_key(*of));
    changes.extend(gone.map(|of| Change::Removed { of: of.clone(), what: before.short(of) }));
    for (kind, of) in [("param ", "params"), ("resource ", "resources"), ("step ", "steps")] {
        let common = |things: &Things, others: &Things| {
            let both = |name: &&String| name.starts_with(kind) && others.fields.contains_key(*name);
            things.order.iter().filter(both).cloned().collect::<Vec<_>>()
        };
        if common(&before, &after) != common(&after, &before) {
            changes.push(Change::Reordered { of: of.to_owned() });
        }
    }
    changes
}

/// The entries of a plan by what they are about.
struct Things {
    order: Vec<String>,
    fields: BTreeMap<String, Vec<Entry>>,
}

impl Things {
    fn of(plan: &Plan) -> Self {
        let mut things = Self { order: Vec::new(), fields: BTreeMap::new() };
        for entry in entries(plan) {
            if !things.fields.contains_key(&entry.of) {
                things.order.push(entry.of.clone());
            }
            things.fields.entry(entry.of.clone()).or_default().push(entry);
        }
        things
    }

    /// What a thing is: of a step its action, and what it comes after.
    fn short(&self, of: &str) -> String {
        const TELLING: [&str; 17] = [
            "uses",
            "command",
            "http.url",
            "postgres.sql",
            "dns.to",
            "haproxy.state",
            "noop",
            "wait",
            "wait.until",
            "approval",
            "manual",
            "gate",
            "barrier.atLeast",
            "plan",
            "type",
            "capacity",
            "needs",
        ];
        let fields = &self.fields[of];
        let has_template = fields.iter().any(|entry| entry.field == "uses");
        let telling = TELLING
            .iter()
            .filter(|field| !(has_template && PERFORMED.iter().any(|key| field.starts_with(key))));
        let found = telling.filter_map(|field| fields.iter().find(|entry| entry.field == *field));
        found.map(|entry| format!("{} {}", entry.field, entry.value)).collect::<Vec<_>>().join(", ")
    }
}

fn changed(of: &str, before: &[Entry], after: &[Entry], changes: &mut Vec<Change>) {
    let value = |entries: &[Entry], field: &str| {
        entries.iter().find(|entry| entry.field == field).map(|entry| entry.value.clone())
    };
    let known: BTreeSet<&str> = after.iter().map(|entry| entry.field.as_str()).collect();
    let gone = before.iter().filter(|entry| !known.contains(entry.field.as_str()));
    let found = changes.len();
    for field in after.iter().chain(gone).map(|entry| entry.field.as_str()) {
        let (before, after) = (value(before, field), value(after, field));
        if before != after {
            changes.push(Change::Changed { of: of.to_owned(), field: field.to_owned(), before, after });
        }
    }
    if changes.len() == found && before != after {
        changes.push(Change::Reordered { of: of.to_owned() });
    }
}

#[cfg(test)]
mod tests;
