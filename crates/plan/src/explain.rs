//! What a plan file may hold, key by key, for a terminal.

use std::fmt::Write;

use crate::fault::shortened;
use crate::keys::{Key, Object, PLAN, STEP_TEMPLATE, Shape};

/// What a field of a plan file means, and what it may hold: `spec.steps.retry`. Step templates are asked about as
/// `StepTemplate.spec.outputs`; nothing asks about the plan as a whole.
///
/// # Errors
/// A sentence that says which part of the path there is not, and what was probably meant.
pub fn explain(path: &str) -> Result<String, String> {
    let trimmed = path.trim().trim_matches('.');
    let (root, rest) = root(trimmed);
    let parts: Vec<&str> = rest.split('.').map(without_index).filter(|part| !part.is_empty()).collect();
    match find(root, &parts) {
        Ok(key) => Ok(page(root, trimmed, key)),
        Err(Lost::NoFields(depth, shape)) => {
            let whole = parts[..=depth].join(".");
            Err(format!("`{whole}` has no fields of its own: it is <{}>", kind(shape)))
        }
        Err(Lost::NoKey(depth, object)) => {
            let help = help(root, object, &parts, depth);
            Err(format!("there is no field `{}` in {}; {help}", shortened(trimmed), root.name))
        }
    }
}

/// Where a path leads nowhere: the position of the part that does not.
enum Lost {
    NoKey(usize, &'static Object),
    NoFields(usize, &'static Shape),
}

/// The key at the end of a path; `None` for the empty one.
fn find(root: &'static Object, parts: &[&str]) -> Result<Option<&'static Key>, Lost> {
    let (mut object, mut key, mut is_name) = (root, None, false);
    for (depth, part) in parts.iter().enumerate() {
        match object.key(part) {
            Some(found) => {
                is_name = matches!(found.shape, Shape::Map(_));
                key = Some(found);
                match found.shape.object() {
                    Some(inner) => object = inner,
                    None if depth + 1 < parts.len() => return Err(Lost::NoFields(depth, &found.shape)),
                    None => {}
                }
            }
            // `params.to.type` has the name of a parameter in it, which is no key.
            None if is_name => is_name = false,
            None => return Err(Lost::NoKey(depth, object)),
        }
    }
    Ok(key)
}

fn root(path: &str) -> (&'static Object, &str) {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    match first.to_ascii_lowercase().as_str() {
        "steptemplate" => (&STEP_TEMPLATE, rest),
        // `plan` is a key of steps as well, but never the first one of a file.
        "plan" => (&PLAN, rest),
        _ => (&PLAN, path),
    }
}

/// `steps[2]` is explained like `steps`.
fn without_index(part: &str) -> &str {
    part.split_once('[').map_or(part, |(name, _)| name)
}

/// What was probably meant: the same path with one key mended, the end of a longer one, or one of the keys there are.
fn help(root: &'static Object, object: &'static Object, parts: &[&str], wrong: usize) -> String {
    if let Some(meant) = object.meant(parts[wrong]) {
        let mended: Vec<&str> =
            parts[..wrong].iter().chain([&meant]).chain(&parts[wrong + 1..]).copied().collect();
        let leads = if find(root, &mended).is_ok() { mended.as_slice() } else { &mended[..=wrong] };
        return format!("did you mean `{}`?", leads.join("."));
    }
    match elsewhere(root, parts) {
        Some(found) => format!("did you mean `{found}`?"),
        None => {
            let names: Vec<_> = object.keys.iter().map(|key| key.name).collect();
            format!("there is {}", names.join(", "))
        }
    }
}

/// A field whose path ends like the one that was asked for: the nearest to the top, of a step rather than of something
/// else.
fn elsewhere(root: &'static Object, parts: &[&str]) -> Option<String> {
    let wanted = format!(".{}", parts.join("."));
    let mut open: Vec<(String, &'static Object)> = vec![(String::new(), root)];
    // The table has no circle: a mapping never leads back to itself.
    while !open.is_empty() {
        let keys = open.iter().flat_map(|(path, object)| object.keys.iter().map(move |key| (path, key)));
        let below: Vec<_> = keys.map(|(path, key)| (format!("{path}.{}", key.name), key)).collect();
        let found = below.iter().map(|(path, _)| path).filter(|path| path.ends_with(&wanted));
        if let Some(found) = found.min_by_key(|path| !path.starts_with(".spec.steps.")) {
            return Some(found.trim_start_matches('.').to_owned());
        }
        open = below.into_iter().filter_map(|(path, key)| Some((path, key.shape.object()?))).collect();
    }
    None
}

fn page(root: &'static Object, path: &str, key: Option<&'static Key>) -> String {
    let object = key.map_or(Some(root), |key| key.shape.object());
    let (name, doc) = match key {
        Some(key) => (path, key.doc),
        None => (root.name, root.doc),
    };
    // Writing to a string cannot fail.
    let mut text = String::new();
    let _ = match key {
        Some(key) => writeln!(text, "{name} <{}>\n\n{doc}", kind(&key.shape)),
        None => writeln!(text, "{name}\n\n{doc}"),
    };
    if let Some(inner) = object.filter(|inner| key.is_some_and(|key| key.doc != inner.doc)) {
        let _ = writeln!(text, "{}", inner.doc);
    }
    for key in object.into_iter().flat_map(|object| object.keys) {
        let must = if key.required { ", required" } else { "" };
        let _ = writeln!(text, "\n  {} <{}{must}>\n    {}", key.name, kind(&key.shape), key.doc);
    }
    text
}

/// What a value looks like, in words.
fn kind(shape: &Shape) -> String {
    match shape {
        Shape::Text => "text".to_owned(),
        Shape::Template => "text with references".to_owned(),
        Shape::Texts => "list of texts".to_owned(),
        Shape::Exactly(text) => (*text).to_owned(),
        Shape::Name => "name".to_owned(),
        Shape::Word(words) => words.join(" | "),
        Shape::Words(words) => format!("list of {}", words.join(" | ")),
        Shape::Flag => "true | false".to_owned(),
        Shape::Whole(least, most) => format!("whole number from {least} to {most}"),
        Shape::Duration => "duration".to_owned(),
        Shape::Bound => "whole number or duration".to_owned(),
        Shape::Region => "region or reference".to_owned(),
        Shape::Condition => "CEL condition".to_owned(),
        Shape::Command => "shell string or list of arguments".to_owned(),
        Shape::Secret => "text with references, or {secret: env:NAME | file:PATH}".to_owned(),
        Shape::Json => "anything".to_owned(),
        Shape::ListOf(inner) => format!("list of <{}>", kind(inner)),
        Shape::ByName(inner) => format!("<{}> by name", kind(inner)),
        Shape::Codes => "list of exit codes".to_owned(),
        Shape::Names => "list of step names".to_owned(),
        Shape::Labels => "texts by name".to_owned(),
        Shape::Counts => "whole numbers by name".to_owned(),
        Shape::Values => "values by name".to_owned(),
        Shape::Value => "value or list of values".to_owned(),
        Shape::Nothing => "{}".to_owned(),
        Shape::Object(_) => "mapping".to_owned(),
        Shape::Or(other, _) => format!("{} or mapping", kind(other)),
        Shape::Map(_) => "mappings by name".to_owned(),
        Shape::List(_) => "list of mappings".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn a_field_is_explained_with_what_it_may_hold() {
        let pages = [
            "spec.steps.retry",
            "spec.steps[3].idempotent",
            "spec.params.to.type",
            "StepTemplate.spec.outputs",
            "spec.clock.stop",
        ];
        insta::assert_snapshot!(pages.map(|path| explain(path).unwrap()).join("\n-----\n"));
        insta::assert_snapshot!("top", explain("").unwrap());
        assert_eq!(explain("plan").unwrap(), explain("").unwrap());
        assert!(explain("spec.steps").unwrap().contains("\n  inMode <mapping>\n"));
        assert!(explain("spec.steps.inMode.drill.probe.command").is_ok());
    }

    #[test]
    fn a_wrong_path_says_what_was_meant() {
        let wrong = [
            "spec.stpes.retry",
            "spec.steps.retries",
            "retry.jitter",
            "spec.steps.timeout.long",
            "colour",
            "spec.params.to.kind.deeper",
            "StepTemplate.spec.steps",
        ];
        insta::assert_snapshot!(wrong.map(|path| explain(path).unwrap_err()).join("\n"));
    }
}
