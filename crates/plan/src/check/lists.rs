//! Lists, and numbers by name.

use super::fields::Field;
use super::report::Report;
use super::values::{is_name, no_name, scalar, whole};
use crate::document::{Node, Value};
use crate::fault::{Fault, shortened};
use crate::params::check::{MAX_ITEM, MAX_ITEMS};

/// The items of a list.
pub(super) fn items<'a>(field: &'a Field<'a>, example: &str, report: &mut Report) -> Vec<Field<'a>> {
    let Value::List(items) = &field.node.value else {
        field.wrong_kind(report, "a list", example);
        return Vec::new();
    };
    let item =
        |(index, node): (usize, &'a Node)| Field { path: field.path.item(index), node, key_at: node.at };
    items.iter().enumerate().map(item).collect()
}

/// The items of a list that cannot be very long.
pub(super) fn few_items<'a>(field: &'a Field<'a>, example: &str, report: &mut Report) -> Vec<Field<'a>> {
    let mut items = items(field, example, report);
    if items.len() > MAX_ITEMS {
        let message = format!("the list has {} items, and {MAX_ITEMS} is the most", items.len());
        field.wrong(report, message, "shorten it");
        items.clear();
    }
    items
}

/// Texts that are each there once: `what` says what one is.
pub(super) fn texts(field: &Field<'_>, what: &str, example: &str, report: &mut Report) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for item in few_items(field, example, report) {
        let Some(text) = scalar(item, report) else { continue };
        if once(&item, what, &text, &texts, report) {
            texts.push(text);
        }
    }
    texts
}

/// Whether a text of a list is one that can be: neither empty, nor very long, nor given before.
pub(super) fn once(item: &Field<'_>, what: &str, text: &str, before: &[String], report: &mut Report) -> bool {
    let wrong = if text.trim().is_empty() {
        Fault::new(format!("{what} is empty"), "write it, or remove the item")
    } else if text.chars().count() > MAX_ITEM || text.contains(char::is_control) {
        let message = format!("{what} has more than {MAX_ITEM} characters, or one that cannot be seen");
        Fault::new(message, "shorten it to one plain line")
    } else if before.iter().any(|before| before == text) {
        Fault::new(format!("`{}` is listed twice", shortened(text)), "remove one of the two")
    } else {
        return true;
    };
    report.add(&item.path, item.node.at, wrong);
    false
}

/// Whole numbers by a name, each with its field.
pub(super) fn counts<'a>(
    field: &'a Field<'a>,
    example: &str,
    report: &mut Report,
) -> Vec<(String, Option<u32>, Field<'a>)> {
    let Value::Map(entries) = &field.node.value else {
        field.wrong_kind(report, "a mapping", example);
        return Vec::new();
    };
    let mut counts = Vec::new();
    for (key, node) in entries {
        let entry = Field { path: field.path.key(&key.name), node, key_at: key.at };
        match is_name(&key.name) {
            true => counts.push((key.name.clone(), whole(entry, 1, 10_000, report), entry)),
            false if report.is_full() => report.count(),
            false => report.add(&entry.path, key.at, no_name(&key.name)),
        }
    }
    counts
}
