//! From text to a template's pieces.

use super::{Piece, Reference, RunField};
use crate::fault::{Fault, shortened};

pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, Fault> {
    let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            literal.push_str(&rest[..at]);
            literal.push('{');
            rest = &rest[at + 2..];
            continue;
        }
        literal.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        let end = inner.find('}').ok_or_else(|| unclosed(inner))?;
        if !literal.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Reference(reference(&inner[..end])?));
        rest = &inner[end + 1..];
    }
    literal.push_str(rest);
    if !literal.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    Ok(pieces)
}

const FORMS: &str =
    "`${params.NAME}`, `${run.id}`, `${steps.NAME.outputs.KEY}`, `${item}` (in a step with `forEach`)";

fn unclosed(inner: &str) -> Fault {
    let start = shortened(inner);
    Fault::new(
        format!("`${{{start}` is not closed"),
        "add the `}`, or write `$${` for a `${` that is meant as text",
    )
}

fn reference(inner: &str) -> Result<Reference, Fault> {
    let path = segments(inner.trim());
    let path: Vec<&str> = path.iter().flatten().map(String::as_str).collect();
    match path[..] {
        ["params", name] => Ok(Reference::Param(name.to_owned())),
        ["run", field] => RunField::of(field).map(Reference::Run).ok_or_else(|| {
            let help =
                format!("a run has {}", RunField::NAMES.map(|name| format!("`run.{name}`")).join(", "));
            Fault::new(format!("a run has no `{}`", shortened(field)), help)
        }),
        ["item"] => Ok(Reference::Item),
        ["steps", step, "outputs", key] => {
            Ok(Reference::Output { step: step.to_owned(), key: key.to_owned() })
        }
        _ => Err(unreadable(inner)),
    }
}

fn unreadable(inner: &str) -> Fault {
    let short = shortened(inner);
    let message = format!("`${{{short}}}` is not a reference that a plan knows");
    let help = format!(
        "write {FORMS}, or `$${{{short}}}` to pass the text on as it stands; variables of the shell work only in a command that is one string"
    );
    Fault::new(message, help)
}

/// `steps["a-b"].outputs.key` as its parts; `None` when it is no such path.
fn segments(text: &str) -> Option<Vec<String>> {
    let (mut parts, mut rest) = (Vec::new(), text);
    loop {
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
        if end == 0 {
            return None;
        }
        parts.push(rest[..end].to_owned());
        rest = &rest[end..];
        while let Some(inner) = rest.strip_prefix('[') {
            let quote = inner.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (name, after) = inner[1..].split_once(quote)?;
            parts.push(name.to_owned());
            rest = after.strip_prefix(']')?;
        }
        match rest.strip_prefix('.') {
            Some(after) => rest = after,
            None => return rest.is_empty().then_some(parts),
        }
    }
}
