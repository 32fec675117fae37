//! Texts that mean something: with references in them, or as a condition. What they ask about is remembered.

use super::fields::Field;
use super::lists::few_items;
use super::report::Report;
use super::values::{MAX_TEXT, scalar};
use crate::document::Value;
use crate::expression::{About, Expression};
use crate::fault::shortened;
use crate::params::check::no_list;
use crate::reference::Template;

/// Text with references; whether they mean something is asked later, when all steps are known.
pub(super) fn template(field: Field<'_>, report: &mut Report) -> Option<Template> {
    let text = scalar(field, report)?;
    parsed(&field, &text, report)
}

/// Text with references, or a list of such texts, which become one with commas between.
pub(super) fn value(field: Field<'_>, report: &mut Report) -> Option<Template> {
    if !matches!(field.node.value, Value::List(_)) {
        return template(field, report);
    }
    let read: Vec<_> =
        few_items(&field, "", report).into_iter().map(|item| item_text(item, report)).collect();
    let texts: Vec<String> = read.into_iter().collect::<Option<_>>()?;
    let text = texts.join(",");
    if text.len() > MAX_TEXT {
        let message = format!("the list is {} bytes long, and {MAX_TEXT} is the most", text.len());
        field.wrong(report, message, "shorten it");
        return None;
    }
    parsed(&field, &text, report)
}

/// An item of a list that is kept with commas between its items.
pub(super) fn item_text(field: Field<'_>, report: &mut Report) -> Option<String> {
    let text = scalar(field, report)?;
    let Some(wanted) = no_list(std::slice::from_ref(&text)) else { return Some(text) };
    field.wrong(report, format!("a list has {wanted}"), "write items without commas, one line each");
    None
}

fn parsed(field: &Field<'_>, text: &str, report: &mut Report) -> Option<Template> {
    match Template::parse(text) {
        Ok(template) => {
            report.ask_template(field, &template);
            Some(template)
        }
        Err(fault) => {
            report.add(&field.path, field.node.at, fault);
            None
        }
    }
}

/// A region's name, or references that give one.
pub(super) fn region(field: Field<'_>, report: &mut Report) -> Option<Template> {
    let template = template(field, report)?;
    if template.as_literal().is_some_and(|literal| !crate::params::is_region(literal)) {
        let message = format!("`{}` cannot be the name of a region", shortened(&template.to_string()));
        field.wrong(
            report,
            message,
            "use lower-case letters, digits and dashes, 63 at most, or a reference such as ${params.to}",
        );
        return None;
    }
    Some(template)
}

/// A CEL condition.
pub(super) fn condition(field: Field<'_>, about: About, report: &mut Report) -> Option<Expression> {
    const USUAL: &str = "write a CEL condition such as `params.to == \"west\"` or `run.mode == \"graceful\"`";
    if !matches!(field.node.value, Value::Text(_) | Value::Bool(_) | Value::Number(_)) {
        field.wrong_kind(report, "a condition", USUAL);
        return None;
    }
    let text = scalar(field, report)?;
    match Expression::read(&text, about) {
        Ok((expression, mentions)) => {
            report.ask_condition(&field, mentions);
            Some(expression)
        }
        Err(message) => {
            let (message, help) = message.split_once("; ").unwrap_or((&message, USUAL));
            field.wrong(report, message, help);
            None
        }
    }
}
