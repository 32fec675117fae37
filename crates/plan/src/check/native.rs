//! What an agent does itself: `http`, `postgres`, `dns`, `haproxy`. The table of keys says what each takes; here it is
//! read by that table, and asked what the table cannot say.

use super::fields::{Field, Fields};
use super::lists::few_items;
use super::report::Report;
use super::texts::template;
use super::values::{duration, flag, scalar, whole, word};
use crate::document::Value;
use crate::fault::{Fault, shortened};
use crate::keys::{Object, Shape};
use crate::native::{Given, Kind, Native};
use crate::reference::Template;

/// The action under a key that names a kind of target. A question may ask for what nobody can set.
pub(super) fn read(
    kind: Kind,
    field: &Field<'_>,
    object: &'static Object,
    is_question: bool,
    report: &mut Report,
) -> Option<Native> {
    let fields = Fields::read(object, field.node, &field.path, report)?;
    let read = entries(&fields, object, report);
    match kind {
        Kind::Http => http(&fields, report),
        Kind::Postgres => postgres(&fields, report),
        Kind::Dns => dns(&fields, report),
        Kind::Haproxy => haproxy(&fields, is_question, report),
    }
    let complete = object.keys.iter().all(|key| !key.required || fields.has(key.name));
    Some(Native { kind, fields: read? }).filter(|_| complete)
}

/// Every key that is given, read by its shape; `None` when one is wrong, after all were looked at.
fn entries(
    fields: &Fields<'_>,
    object: &'static Object,
    report: &mut Report,
) -> Option<Vec<(String, Given)>> {
    let given = object.keys.iter().filter_map(|key| Some((key, fields.get(key.name)?)));
    let read: Vec<_> =
        given.map(|(key, field)| Some((key.name.to_owned(), value(field, &key.shape, report)?))).collect();
    read.into_iter().collect()
}

/// Goes down the stack with the table and the file, both of which are bounded.
fn value(field: Field<'_>, shape: &'static Shape, report: &mut Report) -> Option<Given> {
    match shape {
        Shape::Text => scalar(field, report).map(|text| Given::Text(Template::literal(&text))),
        Shape::Secret => secret(field, report),
        Shape::Json => json(field, report),
        Shape::Duration => duration(field, report).map(Given::Duration),
        Shape::Flag => flag(field, report).map(|flag| Given::Scalar(flag.to_string())),
        Shape::Whole(least, most) => {
            whole(field, *least, *most, report).map(|number| Given::Scalar(number.to_string()))
        }
        Shape::Word(words) => {
            let words: Vec<_> = words.iter().map(|word| (*word, *word)).collect();
            word(field, &words, report).map(|word| Given::Text(Template::literal(word)))
        }
        Shape::ListOf(inner) => {
            let items = few_items(&field, "write `[…]`, or `- …` lines", report);
            let is_list = matches!(field.node.value, Value::List(_));
            let read: Vec<_> = items.into_iter().map(|item| value(item, inner, report)).collect();
            is_list.then(|| read.into_iter().collect::<Option<_>>().map(Given::List))?
        }
        Shape::ByName(inner) => by_name(&field, inner, report),
        Shape::Object(object) => {
            let fields = Fields::read(object, field.node, &field.path, report)?;
            let complete = object.keys.iter().all(|key| !key.required || fields.has(key.name));
            entries(&fields, object, report).filter(|_| complete).map(Given::Map)
        }
        _ => template(field, report).map(Given::Text),
    }
}

/// Values by name, each name once.
fn by_name(field: &Field<'_>, shape: &'static Shape, report: &mut Report) -> Option<Given> {
    let Value::Map(entries) = &field.node.value else {
        field.wrong_kind(report, "a mapping", "write `name: value` lines");
        return None;
    };
    let entry = |(key, node): &(crate::document::Key, crate::document::Node)| {
        let entry = Field { path: field.path.key(&key.name), node, key_at: key.at };
        Some((key.name.clone(), value(entry, shape, report)?))
    };
    let read: Vec<_> = entries.iter().map(entry).collect();
    read.into_iter().collect::<Option<_>>().map(Given::Map)
}

/// Text, or where the agent finds it.
fn secret(field: Field<'_>, report: &mut Report) -> Option<Given> {
    let Value::Map(entries) = &field.node.value else { return template(field, report).map(Given::Text) };
    match entries.as_slice() {
        [(key, node)] if key.name == "secret" => {
            let inner = Field { path: field.path.key("secret"), node, key_at: key.at };
            place(inner, report).map(Given::Secret)
        }
        _ => {
            field.wrong(report, "a secret is a mapping with the one key `secret`", HOW);
            None
        }
    }
}

const HOW: &str = "write `{secret: env:NAME}` for a variable of the agent, or `{secret: file:/run/secrets/NAME}` for a file on its host";

/// Where a secret is read.
pub(super) fn place(field: Field<'_>, report: &mut Report) -> Option<Template> {
    let text = template(field, report)?;
    let written = text.to_string();
    // A step template is told the place by a parameter.
    let is_place = written.starts_with("${")
        || match written.split_once(':') {
            Some(("env", name)) => !name.is_empty() && !name.contains(['=', ' ']),
            Some(("file", path)) => path.starts_with('/') || path.starts_with("${"),
            _ => false,
        };
    if is_place {
        return Some(text);
    }
    // What stands here instead may well be the secret itself, so it is not repeated.
    field.wrong(report, "this does not say where the agent finds the secret", HOW);
    None
}

/// Anything, with references filled in in its texts.
fn json(field: Field<'_>, report: &mut Report) -> Option<Given> {
    match &field.node.value {
        Value::Null => Some(Given::Scalar("null".into())),
        Value::Bool(value) => Some(Given::Scalar(value.to_string())),
        Value::Number(text) => match serde_json::from_str::<serde_json::Number>(text) {
            Ok(number) => Some(Given::Scalar(number.to_string())),
            Err(_) => {
                let message = format!("`{}` is not a number as JSON has them", shortened(text));
                field.wrong(report, message, "write it like `12` or `0.5`, or in quotes as text");
                None
            }
        },
        Value::Text(_) => template(field, report).map(Given::Text),
        Value::List(items) => {
            let read: Vec<_> = (items.iter().enumerate())
                .map(|(index, node)| {
                    json(Field { path: field.path.item(index), node, key_at: node.at }, report)
                })
                .collect();
            read.into_iter().collect::<Option<_>>().map(Given::List)
        }
        Value::Map(_) => by_name(&field, &Shape::Json, report),
    }
}

fn http(fields: &Fields<'_>, report: &mut Report) {
    if let Some(field) = fields.get("url")
        && let Value::Text(text) = &field.node.value
        && !["http://", "https://", "${"].iter().any(|start| text.starts_with(start))
    {
        field.wrong(report, "the address is neither `http://…` nor `https://…`", "write the whole address");
    }
    if let (Some(field), true) = (fields.get("json"), fields.has("body")) {
        let fault = Fault::new("a request has one body", "keep `body` or `json`");
        report.add(&field.path, field.key_at, fault);
    }
    for key in ["outputs", "where"] {
        pointers(fields, key, report);
    }
}

/// JSON pointers begin with a slash; outputs may be headers as well.
fn pointers(fields: &Fields<'_>, key: &'static str, report: &mut Report) {
    let Some(field) = fields.get(key) else { return };
    let Value::Map(entries) = &field.node.value else { return };
    for (name, node) in entries {
        let (pointer, may_be_header) = match (key, &node.value) {
            ("outputs", Value::Text(text)) => (text.as_str(), true),
            ("outputs", _) => continue,
            _ => (name.name.as_str(), false),
        };
        let is_header = may_be_header && pointer.strip_prefix("header:").is_some_and(|name| !name.is_empty());
        if !pointer.is_empty() && !pointer.starts_with('/') && !is_header {
            let message = format!("`{}` is no JSON pointer", shortened(pointer));
            let help = match may_be_header {
                true => "write `/id` for the answer's field `id`, or `header:ETag` for a header",
                false => "write `/status` for the answer's field `status`",
            };
            report.add(&field.path.key(&name.name), node.at, Fault::new(message, help));
        }
    }
}

fn postgres(fields: &Fields<'_>, report: &mut Report) {
    if let Some(field) = fields.get("sql")
        && let Value::Text(text) = &field.node.value
    {
        if text.trim().is_empty() {
            field.wrong(report, "the SQL is empty", "write what is to be executed");
        }
        if text.contains("${") {
            let help = "write `$1` in its place and the value in `args`, where references are filled in: text that is pasted into SQL is SQL";
            field.wrong(report, "no reference is filled in in SQL", help);
        }
    }
}

fn dns(fields: &Fields<'_>, report: &mut Report) {
    if let Some(field) = fields.get("to")
        && matches!(&field.node.value, Value::List(items) if items.is_empty())
    {
        field.wrong(report, "the name would have no records at all", "name at least one in `to`");
    }
}

fn haproxy(fields: &Fields<'_>, is_question: bool, report: &mut Report) {
    if let Some(field) = fields.get("state")
        && let Value::Text(text) = &field.node.value
        && ["up", "down"].contains(&text.as_str())
        && !is_question
    {
        let message = format!("nobody can set a server {text}: HAProxy finds out by its checks");
        let help = format!("set `ready`, and ask with `wait: {{until: {{haproxy: {{…, state: {text}}}}}}}`");
        field.wrong(report, message, help);
    }
    let Some(field) = fields.get("servers") else { return };
    let Value::List(items) = &field.node.value else { return };
    if items.is_empty() {
        field.wrong(report, "there is no server", "name each as `BACKEND/SERVER`");
    }
    for (index, node) in items.iter().enumerate() {
        let Value::Text(text) = &node.value else { continue };
        let plain = |c: char| !c.is_whitespace() && c != ';';
        if !text.contains("${") && (text.split('/').count() != 2 || !text.chars().all(plain)) {
            let message = format!("`{}` does not name a server", shortened(text));
            report.add(&field.path.item(index), node.at, Fault::new(message, "write `BACKEND/SERVER`"));
        }
    }
}
