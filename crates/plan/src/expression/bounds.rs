//! Bounds on a condition, checked on its text before the parser sees it: the parser and the interpreter go down one
//! stack frame for each operator of a chain, and a plan's author must not be able to end a coordinator.

/// The longest condition, bytes.
pub(super) const MAX_BYTES: usize = 4096;
/// How deep brackets may be nested.
const MAX_DEPTH: usize = 24;
/// How many operators, dots, commas and brackets there may be in all.
const MAX_OPERATORS: usize = 250;

const SIMPLER: &str = "let a step work part of it out, and ask for its output";

pub(super) fn check(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("the condition is empty; write one, or remove the key".to_owned());
    }
    if text.len() > MAX_BYTES {
        return Err(format!(
            "the condition is {} bytes long, and {MAX_BYTES} is the most; {SIMPLER}",
            text.len()
        ));
    }
    let (mut depth, mut operators) = (0_usize, 0_usize);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = match c {
            '"' | '\'' => after_string(rest, c),
            '/' if rest.starts_with("//") => rest.split_once('\n').map_or("", |(_, after)| after),
            _ => &rest[c.len_utf8()..],
        };
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let counts = c.is_ascii_punctuation() && !matches!(c, '_' | '"' | '\'' | ')' | ']' | '}');
        operators += usize::from(counts || (c == 'i' && rest.starts_with("n ")));
        if depth > MAX_DEPTH {
            return Err(format!("the condition's brackets are nested more than {MAX_DEPTH} deep; {SIMPLER}"));
        }
        if operators > MAX_OPERATORS {
            return Err(format!(
                "the condition has more than {MAX_OPERATORS} operators, dots and brackets; {SIMPLER}"
            ));
        }
    }
    Ok(())
}

/// What follows the string literal at the start. A backslash hides the next character; in a raw string it does not,
/// but then at most the rest of the text is counted as more than it is.
fn after_string(text: &str, quote: char) -> &str {
    let triple: String = std::iter::repeat_n(quote, 3).collect();
    let (close, mut rest) = match text.strip_prefix(triple.as_str()) {
        Some(rest) => (triple.as_str(), rest),
        None => (&triple[..1], &text[1..]),
    };
    while !rest.is_empty() && !rest.starts_with(close) {
        let hidden = usize::from(rest.starts_with('\\'));
        let skip: usize = rest.chars().take(1 + hidden).map(char::len_utf8).sum();
        rest = &rest[skip..];
    }
    rest.strip_prefix(close).unwrap_or("")
}
