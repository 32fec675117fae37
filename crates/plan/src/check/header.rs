//! What the file is and who the plan is: `apiVersion`, `kind` and `metadata`.

use std::collections::BTreeMap;

use super::fields::{Field, Fields};
use super::report::{Path, Report};
use super::values::{name, scalar};
use crate::document::Value;
use crate::fault::{Fault, shortened};
use crate::keys::METADATA;

/// Whether the file is a plan of this format; of another one nothing else is worth saying.
pub(super) fn is_ours(top: &Fields<'_>, report: &mut Report) -> bool {
    exactly(top, "apiVersion", "baton/v1", report) & exactly(top, "kind", "Plan", report)
}

fn exactly(top: &Fields<'_>, key: &'static str, wanted: &str, report: &mut Report) -> bool {
    let Some(field) = top.get(key) else { return true };
    let Some(text) = scalar(field, report) else { return false };
    if text == wanted {
        return true;
    }
    let (message, help) = match text.strip_prefix("baton/v") {
        Some(version) if version.parse::<u32>().is_ok_and(|version| version > 1) => (
            format!("`{text}` is newer than this build, which reads {wanted}"),
            "use a newer build of Baton for this file".to_owned(),
        ),
        _ => (
            format!("`{key}` is `{}`, which is not a plan of Baton", shortened(&text)),
            format!("write `{key}: {wanted}`"),
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
