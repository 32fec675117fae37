//! Why a file is not YAML, in words for the person who wrote it rather than for the author of a parser.

use serde_saphyr::Error;

use super::{MAX_ALIASED, MAX_DEPTH, MAX_VALUES, Position, position};
use crate::fault::Fault;

pub(super) fn explain(error: &Error, source: &str) -> (Position, Fault) {
    let at = error.location().map_or(Position::START, position);
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let line = source.lines().nth(at.line - 1).unwrap_or_default();
    let rest: String = line.chars().skip(at.column - 1).collect();
    let fault = match error {
        Error::DuplicateMappingKey { key, .. } => duplicate(key.as_deref().unwrap_or("this")),
        Error::UnsupportedTag { .. } => {
            let tag = text.trim_start_matches("unsupported ");
            Fault::new(format!("the {tag} means nothing here"), "remove it; a plan needs no tags")
        }
        Error::UnknownAnchor { .. } => Fault::new(
            format!("`{}` stands for an anchor that is not defined above", word(&rest)),
            "define it with `&name` first, or put the text in quotes if the `*` is meant as text",
        ),
        _ => bound(text).unwrap_or_else(|| grammar(text, line, &rest)),
    };
    (at, fault)
}

fn duplicate(key: &str) -> Fault {
    Fault::new(format!("`{key}` is given twice in the same mapping"), "keep one of the two")
}

fn word(text: &str) -> &str {
    text.split([' ', ',', ']', '}']).next().unwrap_or_default()
}

/// The bounds that keep hostile files from costing more than a second.
fn bound(text: &str) -> Option<Fault> {
    let (message, help) = if text.contains("Documents") {
        (
            "the file holds more than one document".to_owned(),
            "keep one plan in a file: remove the `---` and what follows",
        )
    } else if text.contains("Depth") || text.contains("recursion limit") {
        (
            format!("values are nested more than {MAX_DEPTH} deep"),
            "a plan needs six levels; look for a bracket that is never closed",
        )
    } else if text.contains("alias")
        || text.contains("Alias")
        || text.contains("Anchor")
        || text.contains("Replay")
    {
        (
            format!("aliases stand for more than {MAX_ALIASED} values in all"),
            "write the values out, or use fewer aliases",
        )
    } else if text.contains("recursive references") {
        ("this anchor contains itself".to_owned(), "write the value out")
    } else if text.contains("budget breached") {
        (format!("the file holds too much: {MAX_VALUES} values are the most"), "split the plan in two")
    } else {
        return None;
    };
    Some(Fault::new(message, help))
}

fn grammar(text: &str, line: &str, rest: &str) -> Fault {
    if rest.starts_with('$') || (text.contains("flow") && line.contains("${")) {
        let message =
            "a reference inside `[…]` or `{…}` must stand in quotes, as YAML takes its `{` for a mapping";
        return Fault::new(message, "write \"${params.NAME}\" with the quotes");
    }
    if text.contains("mapping values are not allowed") {
        return misplaced_colon(line);
    }
    if let Some(character) = text.strip_prefix("unexpected character: ") {
        let message = format!("a value cannot start with or contain {}", character.replace('\'', "`"));
        let help = "put the text in quotes; characters that cannot be printed are written as escapes such as \"\\u0007\"";
        return Fault::new(message, help);
    }
    if let Some((_, message, help)) = SAYINGS.iter().find(|(saying, ..)| text.contains(saying)) {
        return Fault::new(*message, *help);
    }
    let help = "compare the indentation, brackets and quotes of this line and the one above";
    Fault::new(format!("this is not YAML: {text}"), help)
}

/// What the parser says, what it means, and what is usually the reason.
const SAYINGS: [(&str, &str, &str); 10] = [
    ("tabs", "the line is indented with a tab", "indent with spaces; YAML allows no tabs there"),
    (
        "expected string scalar",
        "a key must be text",
        "put a value that starts with a brace or bracket in quotes; references are written `${params.NAME}`",
    ),
    (
        "illegal placement of ':'",
        "a `:` cannot stand here",
        "look above for a `[`, `{` or quote that is not closed",
    ),
    (
        "multiline quoted scalar",
        "the text in quotes goes on into this line",
        "close the quote on the line where it starts",
    ),
    (
        "did not find expected key",
        "the line does not fit the ones above",
        "indent it exactly like the keys it belongs to",
    ),
    (
        "did not find expected '-'",
        "the line does not fit the list above",
        "indent it like the `-` above, or deeper as part of the item",
    ),
    (
        "simple key expected ':'",
        "the key has no `:` after it",
        "write `key: value`; a key without a value still ends with `:`",
    ),
    ("misplaced bracket", "a bracket is closed that was never opened", "remove it, or open it before"),
    (
        "block sequence entries",
        "a list cannot start on the line of its key",
        "start it on the next line, or write `[a, b]`",
    ),
    (
        "unknown escape",
        "the text in quotes has an unknown escape in it",
        "write a backslash as `\\\\`, or use single quotes",
    ),
];

fn misplaced_colon(line: &str) -> Fault {
    if line.matches(": ").count() > 1 {
        return Fault::new(
            "the line has a second `: ` in it",
            "put the text in quotes if the `: ` belongs to it, or start a new line",
        );
    }
    Fault::new(
        "a `:` cannot stand here",
        "the line above may lack its `:`, or this line is indented deeper than the ones it belongs to",
    )
}
