//! What the file is and who the plan is: `apiVersion`, `kind` and `metadata`.

use std::collections::BTreeMap;

use super::fields::{Field, Fields};
use super::report::{Path, Report};
use super::values::{name, scalar};
use crate::document::{Node, Value};
use crate::fault::{Fault, shortened};
use crate::keys::METADATA;

/// What a file describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plan,
    StepTemplate,
}

const KINDS: [(&str, Kind); 2] = [("Plan", Kind::Plan), ("StepTemplate", Kind::StepTemplate)];

/// What the file says that it describes; a plan, when it says nothing that there is.
pub(super) fn kind(document: &Node) -> Kind {
    let kind = document.below("kind").map(|kind| &kind.value);
    let is_template = matches!(kind, Some(Value::Text(text)) if text == "StepTemplate");
    if is_template { Kind::StepTemplate } else { Kind::Plan }
}

/// Whether the file is of this format, and of the wanted kind if one is; of another one nothing else is worth saying.
pub(super) fn is_ours(top: &Fields<'_>, wanted: Option<Kind>, report: &mut Report) -> bool {
    is_our_version(top, report) & is_our_kind(top, wanted, report)
}

fn is_our_version(top: &Fields<'_>, report: &mut Report) -> bool {
    const OURS: &str = "baton/v1";
    let Some(field) = top.get("apiVersion") else { return true };
    let Some(text) = scalar(field, report) else { return false };
    if text == OURS {
        return true;
    }
    let (message, help) = match text.strip_prefix("baton/v") {
        Some(version) if version.parse::<u32>().is_ok_and(|version| version > 1) => (
            format!("`{text}` is newer than this build, which reads {OURS}"),
            "use a newer build of Baton for this file".to_owned(),
        ),
        _ => (
            format!("`apiVersion` is `{}`, which is not a plan of Baton", shortened(&text)),
            format!("write `apiVersion: {OURS}`"),
        ),
    };
    field.wrong(report, message, help);
    false
}

fn is_our_kind(top: &Fields<'_>, wanted: Option<Kind>, report: &mut Report) -> bool {
    let Some(field) = top.get("kind") else { return true };
    let Some(text) = scalar(field, report) else { return false };
    let kind = KINDS.iter().find(|(word, _)| *word == text).map(|(_, kind)| *kind);
    let (message, help) = match (kind, wanted) {
        (Some(kind), Some(wanted)) if kind == wanted => return true,
        (Some(_), None) => return true,
        (Some(Kind::StepTemplate), _) => (
            "this is a step template, and a plan is needed here".to_owned(),
            "name a plan's file; a step template is registered, and then named by a plan's `uses`",
        ),
        (Some(Kind::Plan), _) => {
            ("this is a plan, and a step template is needed here".to_owned(), "name a step template's file")
        }
        (None, _) => (
            format!("`kind` is `{}`, which Baton does not know", shortened(&text)),
            "write `kind: Plan`, or `kind: StepTemplate` for a step template",
        ),
    };
    field.wrong(report, message, help);
    false
}

/// `metadata`.
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) owner: Option<String>,
    pub(super) description: Option<String>,
    pub(super) labels: BTreeMap<String, String>,
}

pub(super) fn metadata(field: &Field<'_>, report: &mut Report) -> Option<Metadata> {
    let fields = Fields::read(&METADATA, field.node, &field.path, report)?;
    let labels = fields.get("labels").map(|field| labels(&field, report)).unwrap_or_default();
    let owner = fields.get("owner").and_then(|field| scalar(field, report));
    let description = fields.get("description").and_then(|field| scalar(field, report));
    let name = fields.get("name").and_then(|field| name(field, report))?;
    Some(Metadata { name, owner, description, labels })
}

fn labels(field: &Field<'_>, report: &mut Report) -> BTreeMap<String, String> {
    let Value::Map(entries) = &field.node.value else {
        field.wrong(
            report,
            format!("labels must be a mapping, and this is {}", field.node.value.kind()),
            "write `labels: {service: shop}`",
        );
        return BTreeMap::new();
    };
    let mut labels = BTreeMap::new();
    for (key, node) in entries {
        let path: Path<'_> = field.path.key(&key.name);
        if key.name.is_empty() || key.name.len() > 63 {
            report.add(&path, key.at, Fault::new("a label's name has 1 to 63 characters", "shorten it"));
        }
        let value = scalar(Field { path, node, key_at: key.at }, report);
        labels.insert(key.name.clone(), value.unwrap_or_default());
    }
    labels
}
