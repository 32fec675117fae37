//! What a parameter takes beyond its type: `enum`, `pattern`, `min` and `max`.

use super::fields::{Field, Fields};
use super::lists::texts;
use super::report::Report;
use super::values::scalar;
use crate::document::Value;
use crate::fault::shortened;
use crate::params::check::{no_list, regex};
use crate::plan::{Param, ParamKind};

/// Reads them into the parameter; `None` when one is wrong, so that the default is not measured by it.
pub(super) fn read(fields: &Fields<'_>, param: &mut Param, report: &mut Report) -> Option<()> {
    let mut right = means_something(fields, param.kind, report);
    if let Some(field) = fields.get("enum") {
        right &= choices(&field, param, report).is_some();
    }
    if let Some(field) = fields.get("pattern") {
        param.pattern = pattern(&field, report);
        right &= param.pattern.is_some();
    }
    if let Some(field) = fields.get("min") {
        param.min = bound(&field, param.kind, report);
        right &= param.min.is_some();
    }
    if let Some(field) = fields.get("max") {
        param.max = bound(&field, param.kind, report);
        right &= param.max.is_some();
        if param.min.zip(param.max).is_some_and(|(min, max)| min > max) {
            field.wrong(report, "`max` is less than `min`, so no value would do", "exchange the two");
            right = false;
        }
    }
    right.then_some(())
}

/// Refuses what cannot be said of the parameter's type.
fn means_something(fields: &Fields<'_>, kind: ParamKind, report: &mut Report) -> bool {
    let of_numbers = matches!(kind, ParamKind::Integer | ParamKind::Duration);
    let of_texts = matches!(kind, ParamKind::String | ParamKind::Region | ParamKind::List);
    let rules = [
        ("enum", of_numbers || of_texts, "a boolean is `true` or `false` already"),
        ("pattern", of_texts, "a pattern is for a string, a region or a list"),
        ("min", of_numbers, "`min` is for an integer or a duration"),
        ("max", of_numbers, "`max` is for an integer or a duration"),
    ];
    let mut right = true;
    for (key, fits, why) in rules {
        if let (Some(field), false) = (fields.get(key), fits) {
            field.wrong(
                report,
                format!("`{key}` does not fit the parameter's type: {why}"),
                "remove it, or change `type`",
            );
            right = false;
        }
    }
    right
}

fn choices(field: &Field<'_>, param: &mut Param, report: &mut Report) -> Option<()> {
    let choices = texts(field, "the value", "write the values such as `enum: [small, large]`", report);
    // One of a list's items is one of the choices, so a choice is measured as an item.
    let of_type =
        Param { default: None, choices: Vec::new(), pattern: None, min: None, max: None, ..param.clone() };
    for choice in &choices {
        let no_item = no_list(std::slice::from_ref(choice)).filter(|_| param.kind == ParamKind::List);
        let wrong =
            no_item.map(|wanted| format!("a list has {wanted}")).or_else(|| of_type.check(choice).err());
        if let Some(message) = wrong {
            field.wrong(report, message, "correct the value, or change `type`");
            return None;
        }
    }
    if matches!(&field.node.value, Value::List(items) if items.is_empty()) {
        field.wrong(
            report,
            "`enum` names no value",
            "list the values that the parameter takes, or remove the key",
        );
    }
    if choices.is_empty() {
        return None;
    }
    param.choices = choices;
    Some(())
}

fn pattern(field: &Field<'_>, report: &mut Report) -> Option<String> {
    let text = scalar(*field, report)?;
    match regex(&text) {
        Ok(_) => return Some(text),
        Err(message) => {
            field.wrong(report, message, "write one such as `[A-Z]+-[0-9]+`; it must fit the whole value")
        }
    }
    None
}

fn bound(field: &Field<'_>, kind: ParamKind, report: &mut Report) -> Option<i64> {
    let text = scalar(*field, report)?;
    let number = kind.measure(&text);
    if number.is_none() && matches!(kind, ParamKind::Integer | ParamKind::Duration) {
        let wanted = if kind == ParamKind::Integer { "a whole number" } else { "a duration such as `90s`" };
        field.wrong(
            report,
            format!("`{}` is not {wanted}", shortened(&text)),
            "write it like a value of the parameter",
        );
    }
    number
}
