//! Single values: text, numbers, durations, words. Each reader reports what is wrong and gives `None`.

use super::fields::{Field, later};
use super::report::{Path, Report};
use crate::document::{Node, Value};
use crate::duration;
use crate::expression::{Expression, Mentions};
use crate::fault::{Fault, shortened};
use crate::nearest::suggestion;
use crate::reference::Template;

/// The longest text of one value, bytes.
pub(super) const MAX_TEXT: usize = 64 << 10;
/// The longest duration: 366 days, so that sums of them stay far from overflow.
const MAX_DURATION_MS: u64 = 366 * 24 * 3_600_000;

impl Field<'_> {
    pub(super) fn wrong(&self, report: &mut Report, message: impl Into<String>, help: impl Into<String>) {
        report.add(&self.path, self.node.at, Fault::new(message, help));
    }

    fn wrong_kind(&self, report: &mut Report, wanted: &str, example: &str) {
        let message = format!("{} must be {wanted}, and this is {}", self.name(), self.node.value.kind());
        self.wrong(report, message, example);
    }

    /// What a message calls the value.
    fn name(&self) -> String {
        match self.path {
            Path::Key(_, name) => format!("`{}`", shortened(name)),
            _ => "the item".to_owned(),
        }
    }
}

/// Text, with numbers and truth values taken as they are written.
pub(super) fn scalar(field: Field<'_>, report: &mut Report) -> Option<String> {
    match plain(field.node) {
        Some(text) if text.len() > MAX_TEXT => {
            let message = format!("the text is {} bytes long, and {MAX_TEXT} is the most", text.len());
            field.wrong(report, message, "put it in a file on the agents' hosts and name the file here");
        }
        Some(text) if text.contains('\0') => {
            field.wrong(
                report,
                "the text has a NUL character in it",
                "remove it: no argument or variable of a process can hold one",
            );
        }
        Some(text) => return Some(text.into_owned()),
        None => field.wrong_kind(report, "text", "write one line of text; \"\" is the empty one"),
    }
    None
}

fn plain(node: &Node) -> Option<std::borrow::Cow<'_, str>> {
    match &node.value {
        Value::Text(text) | Value::Number(text) => Some(text.into()),
        Value::Bool(value) => Some(value.to_string().into()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

/// A name as DNS labels are written.
pub(super) fn name(field: Field<'_>, report: &mut Report) -> Option<String> {
    let text = scalar(field, report)?;
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=63).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('-') {
        return Some(text);
    }
    report.add(&field.path, field.node.at, no_name(&text));
    None
}

fn no_name(text: &str) -> Fault {
    let message = match text.len() {
        0 => "the name is empty".to_owned(),
        1..=63 => format!("`{}` cannot be a name", shortened(text)),
        length => format!("the name is {length} bytes long, and 63 is the most"),
    };
    let dashed = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let near: String = text.chars().take(64).map(dashed).collect();
    let near = near.trim_matches('-');
    let like = if (1..=63).contains(&near.len()) { format!("; write `{near}`?") } else { String::new() };
    Fault::new(message, format!("use lower-case letters, digits and dashes, 63 at most{like}"))
}

pub(super) fn flag(field: Field<'_>, report: &mut Report) -> Option<bool> {
    match field.node.value {
        Value::Bool(value) => return Some(value),
        _ => field.wrong_kind(report, "true or false", "write `true` or `false`, without quotes"),
    }
    None
}

/// A whole number between two.
pub(super) fn whole(field: Field<'_>, least: u32, most: u32, report: &mut Report) -> Option<u32> {
    let Value::Number(text) = &field.node.value else {
        field.wrong_kind(
            report,
            "a whole number",
            &format!("write a number from {least} to {most}, without quotes"),
        );
        return None;
    };
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    if number.is_none() {
        field.wrong(
            report,
            format!("{} cannot be `{}`", field.name(), shortened(text)),
            format!("write a number from {least} to {most}"),
        );
    }
    number
}

/// One of a few words. What the contract knows and this build does not is told apart from a slip.
pub(super) fn word(
    field: Field<'_>,
    words: &[&str],
    not_yet: &[(&str, &str)],
    report: &mut Report,
) -> Option<String> {
    let text = scalar(field, report)?;
    if words.contains(&text.as_str()) {
        return Some(text);
    }
    match not_yet.iter().find(|(word, _)| *word == text) {
        Some((word, instead)) => report.add(&field.path, field.node.at, later(word, instead)),
        None => field.wrong(
            report,
            format!("{} cannot be `{}`", field.name(), shortened(&text)),
            suggestion(&text, "write one of", words.iter().copied()),
        ),
    }
    None
}

/// Milliseconds, more than none.
pub(super) fn duration(field: Field<'_>, report: &mut Report) -> Option<u64> {
    duration_in(field, false, report)
}

/// Milliseconds, none included.
pub(super) fn duration_or_none(field: Field<'_>, report: &mut Report) -> Option<u64> {
    duration_in(field, true, report)
}

fn duration_in(field: Field<'_>, nothing_too: bool, report: &mut Report) -> Option<u64> {
    let Some(text) = plain(field.node) else {
        field.wrong_kind(report, "a duration", "write one like `500ms`, `90s`, `15m` or `1h30m`");
        return None;
    };
    match duration::parse(&text) {
        Ok(0) if !nothing_too => {
            field.wrong(
                report,
                format!("{} cannot be nothing", field.name()),
                "write a longer duration, or remove the key",
            );
        }
        Ok(ms) if ms > MAX_DURATION_MS => {
            field.wrong(
                report,
                format!("`{}` is longer than a year", shortened(&text)),
                "write a shorter duration",
            );
        }
        Ok(ms) => return Some(ms),
        Err(fault) => report.add(&field.path, field.node.at, fault),
    }
    None
}

/// Text with references; whether they mean something is asked later, when all steps are known.
pub(super) fn template(field: Field<'_>, report: &mut Report) -> Option<Template> {
    let text = scalar(field, report)?;
    match Template::parse(&text) {
        Ok(template) => Some(template),
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

/// A CEL condition, and what it asks about.
pub(super) fn condition(field: Field<'_>, report: &mut Report) -> Option<(Expression, Mentions)> {
    let text = scalar(field, report)?;
    match Expression::read(&text) {
        Ok(read) => Some(read),
        Err(message) => {
            let usual = "write a CEL condition such as `params.to == \"west\"` or `run.mode == \"graceful\"`";
            let (message, help) = message.split_once("; ").unwrap_or((&message, usual));
            field.wrong(report, message, help);
            None
        }
    }
}

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
