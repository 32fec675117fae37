//! Single values: text, numbers, durations, words. Each reader reports what is wrong and gives `None`.

use super::fields::Field;
use super::report::{Path, Report};
use crate::document::{Node, Value};
use crate::duration;
use crate::fault::{Fault, shortened};
use crate::nearest::{ONE_OF, suggestion};

/// The longest text of one value, bytes.
pub(super) const MAX_TEXT: usize = 64 << 10;
/// The longest duration: 366 days, so that sums of them stay far from overflow.
pub(super) const MAX_DURATION_MS: u64 = 366 * 24 * 3_600_000;

impl Field<'_> {
    pub(super) fn wrong(&self, report: &mut Report, message: impl Into<String>, help: impl Into<String>) {
        report.add(&self.path, self.node.at, Fault::new(message, help));
    }

    pub(super) fn wrong_kind(&self, report: &mut Report, wanted: &str, example: &str) {
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
    if is_name(&text) {
        return Some(text);
    }
    report.add(&field.path, field.node.at, no_name(&text));
    None
}

pub(super) fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('-')
}

pub(super) fn no_name(text: &str) -> Fault {
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

/// What one of a few words stands for.
pub(super) fn word<T: Copy>(field: Field<'_>, words: &[(&str, T)], report: &mut Report) -> Option<T> {
    let names = words.iter().map(|(word, _)| *word);
    if plain(field.node).is_none() {
        field.wrong_kind(report, "a word", &suggestion("", ONE_OF, names));
        return None;
    }
    let text = scalar(field, report)?;
    let found = words.iter().find(|(word, _)| *word == text);
    if found.is_none() {
        let message = format!("{} cannot be `{}`", field.name(), shortened(&text));
        field.wrong(report, message, suggestion(&text, ONE_OF, names));
    }
    found.map(|(_, value)| *value)
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
