//! A checked plan as a list of what it says: one entry a field, in the words of the plan file. Two plans are equal
//! exactly when their entries are, order included.

mod step;
mod work;

use serde::Serialize;

use crate::duration::written;
use crate::plan::{OnFailure, Param, ParamKind, Pattern, Plan};
use crate::reference::Template;

/// One thing that a plan says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Entry {
    /// Of what: `plan`, `param to`, `resource restore-io` or `step promote`.
    pub of: String,
    /// The field, such as `undo.timeout`.
    pub field: String,
    /// What it says, in one line.
    pub value: String,
}

/// Everything that a plan says, in its order; a field that says nothing has no entry.
pub fn entries(plan: &Plan) -> Vec<Entry> {
    let mut list = List { of: "plan".to_owned(), entries: Vec::new() };
    whole(plan, &mut list);
    for param in &plan.params {
        list.of = format!("param {}", param.name);
        self::param(param, &mut list);
    }
    for resource in &plan.resources {
        list.of = format!("resource {}", resource.name);
        list.says("capacity", Some(resource.capacity.to_string()));
    }
    for step in &plan.steps {
        list.of = format!("step {}", step.name);
        step::list(plan, step, &mut list);
    }
    list.entries
}

/// Entries of one thing after the other.
struct List {
    of: String,
    entries: Vec<Entry>,
}

impl List {
    fn says(&mut self, field: impl Into<String>, value: Option<String>) {
        let entry =
            |value: String| Entry { of: self.of.clone(), field: field.into(), value: one_line(&value) };
        self.entries.extend(value.map(entry));
    }
}

fn whole(plan: &Plan, list: &mut List) {
    list.says("name", Some(plan.name.clone()));
    list.says("owner", plan.owner.clone());
    list.says("description", plan.description.clone());
    for (label, value) in &plan.labels {
        list.says(format!("labels.{label}"), Some(value.clone()));
    }
    list.says("pattern", plan.pattern.map(|pattern| pattern_word(pattern).to_owned()));
    list.says("objectives.rto", plan.recovery.rto_ms().map(written));
    list.says("objectives.rpo", plan.rpo_ms.map(written));
    list.says("clock.stop", plan.recovery.stop().map(|stop| plan.steps[stop].name.clone()));
    list.says("limits.parallel", plan.limits.parallel.map(|most| most.to_string()));
    list.says("limits.perRegion", plan.limits.per_region.map(|most| most.to_string()));
    list.says("locks", texts(&plan.locks));
    list.says("timeout", plan.timeout_ms.map(written));
    list.says("onFailure", Some(on_failure(plan.on_failure).to_owned()));
}

fn param(param: &Param, list: &mut List) {
    list.says("type", Some(kind_word(param.kind).to_owned()));
    list.says("default", param.default.clone());
    list.says("description", param.description.clone());
    let choices = (!param.choices.is_empty()).then(|| json(&param.choices));
    list.says("enum", choices);
    list.says("pattern", param.pattern.clone());
    list.says("min", param.min.map(|min| param.kind.measured(min)));
    list.says("max", param.max.map(|max| param.kind.measured(max)));
}

fn pattern_word(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::BackupRestore => "backup-restore",
        Pattern::PilotLight => "pilot-light",
        Pattern::WarmStandby => "warm-standby",
        Pattern::ActiveActive => "active-active",
    }
}

/// The word in a plan file.
fn kind_word(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::String => "string",
        ParamKind::Region => "region",
        ParamKind::Integer => "integer",
        ParamKind::Boolean => "boolean",
        ParamKind::Duration => "duration",
        ParamKind::List => "list",
    }
}

fn on_failure(on_failure: OnFailure) -> &'static str {
    match on_failure {
        OnFailure::UndoBranch => "{undo: branch}",
        other => other.word(),
    }
}

fn texts(texts: &[Template]) -> Option<String> {
    let texts: Vec<_> = texts.iter().map(ToString::to_string).collect();
    (!texts.is_empty()).then(|| json(&texts))
}

/// Texts in brackets and quotes, as JSON and YAML have them.
fn json(texts: &[String]) -> String {
    let texts: Vec<_> = texts.iter().map(|text| serde_json::Value::from(text.as_str()).to_string()).collect();
    format!("[{}]", texts.join(", "))
}

/// The text as it stands when it is one plain line that cannot be taken for anything else, in quotes otherwise.
fn one_line(text: &str) -> String {
    let is_plain = !text.is_empty() && text.trim() == text && !text.starts_with('"');
    match is_plain && !text.contains(char::is_control) {
        true => text.to_owned(),
        false => serde_json::Value::from(text).to_string(),
    }
}

#[cfg(test)]
mod tests;
