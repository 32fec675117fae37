//! `spec.params`: the values that are given when a run starts, or to a step template.

use std::collections::BTreeMap;

use super::bounds;
use super::fields::{Field, Fields};
use super::lists::few_items;
use super::report::Report;
use super::texts::item_text;
use super::values::{scalar, word};
use crate::document::{Key, Node, Value};
use crate::fault::{Fault, shortened};
use crate::keys::PARAM;
use crate::params::check::no_list;
use crate::plan::{Param, ParamKind};

const KINDS: [(&str, ParamKind); 6] = [
    ("string", ParamKind::String),
    ("region", ParamKind::Region),
    ("integer", ParamKind::Integer),
    ("boolean", ParamKind::Boolean),
    ("duration", ParamKind::Duration),
    ("list", ParamKind::List),
];

/// The most parameters of a plan: each becomes a variable of every process.
const MAX_PARAMS: usize = 200;

/// The parameters in the order of the file. One whose type is wrong is still known by its name, so that references to
/// it are not reported as well.
pub(super) fn read(field: &Field<'_>, report: &mut Report) -> Vec<Param> {
    let Value::Map(entries) = &field.node.value else {
        field.wrong(
            report,
            format!("params must be a mapping, and this is {}", field.node.value.kind()),
            "write `params: {to: {type: region}}`",
        );
        return Vec::new();
    };
    if entries.len() > MAX_PARAMS {
        field.wrong(
            report,
            format!("there are {} parameters, and {MAX_PARAMS} is the most", entries.len()),
            "give the steps a file to read",
        );
        return Vec::new();
    }
    let mut variables = BTreeMap::new();
    let mut params = Vec::new();
    for (key, node) in entries {
        unique(field, key, &mut variables, report);
        params.push(param(field, key, node, report));
    }
    params
}

/// Every parameter reaches the steps as a variable of their environment, where case and dashes are lost.
fn unique<'a>(
    field: &Field<'_>,
    key: &'a Key,
    variables: &mut BTreeMap<String, &'a str>,
    report: &mut Report,
) {
    let path = field.path.key(&key.name);
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !key.name.starts_with(|c: char| c.is_ascii_alphabetic())
        || !key.name.chars().all(allowed)
        || key.name.len() > 63
    {
        let message = format!("`{}` cannot be the name of a parameter", shortened(&key.name));
        report.add(
            &path,
            key.at,
            Fault::new(
                message,
                "start with a letter, and use letters, digits, dashes and underscores, 63 at most",
            ),
        );
        return;
    }
    let variable = format!("BATON_PARAM_{}", key.name.to_ascii_uppercase().replace('-', "_"));
    if let Some(other) = variables.get(&variable) {
        let message =
            format!("`{}` and `{other}` would both be {variable} in a step's environment", key.name);
        report.add(&path, key.at, Fault::new(message, "rename one of them"));
    }
    variables.insert(variable, &key.name);
}

fn param(field: &Field<'_>, key: &Key, node: &Node, report: &mut Report) -> Param {
    let path = field.path.key(&key.name);
    let mut param = Param {
        name: key.name.clone(),
        kind: ParamKind::String,
        default: None,
        description: None,
        choices: Vec::new(),
        pattern: None,
        min: None,
        max: None,
    };
    let Some(fields) = Fields::read(&PARAM, node, &path, report) else { return param };
    param.description = fields.get("description").and_then(|field| scalar(field, report));
    let kind = fields.get("type").and_then(|field| word(field, &KINDS, report));
    param.default = fields.get("default").and_then(|field| default(&field, kind, report));
    let Some(kind) = kind else { return param };
    param.kind = kind;
    if bounds::read(&fields, &mut param, report).is_none() {
        return param;
    }
    if let (Some(default), Some(field)) = (&param.default, fields.get("default"))
        && let Err(message) = param.check(default)
    {
        field.wrong(report, message, "change the default, or what the parameter takes");
    }
    param
}

/// A list's items are kept with commas between them.
fn default(field: &Field<'_>, kind: Option<ParamKind>, report: &mut Report) -> Option<String> {
    let is_list = matches!(field.node.value, Value::List(_));
    if kind != Some(ParamKind::List) || !is_list {
        let text = scalar(*field, report)?;
        return if kind == Some(ParamKind::List) { joined(field, &text, report) } else { Some(text) };
    }
    let read: Vec<_> = few_items(field, "", report).into_iter().map(|item| item_text(item, report)).collect();
    read.into_iter().collect::<Option<Vec<_>>>().map(|items| items.join(","))
}

fn joined(field: &Field<'_>, text: &str, report: &mut Report) -> Option<String> {
    let items = crate::params::items(text);
    let Some(wanted) = no_list(&items) else { return Some(items.join(",")) };
    field.wrong(report, format!("a list has {wanted}"), "write items without commas");
    None
}
