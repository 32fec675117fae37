//! Whether a value is one that a parameter takes.

use std::cell::RefCell;

use regex::{Regex, RegexBuilder};

use super::{is_region, items};
use crate::duration;
use crate::fault::shortened;
use crate::plan::{Param, ParamKind};

/// The most items of a list, and the longest of them, characters: each may become a step of its own.
pub(crate) const MAX_ITEMS: usize = 1000;
pub(crate) const MAX_ITEM: usize = 200;
/// What a regular expression may take once it is compiled, bytes.
const MAX_REGEX: usize = 256 << 10;

impl Param {
    /// Whether the parameter takes a value; if not, a sentence that says what it should be.
    pub(crate) fn check(&self, value: &str) -> Result<(), String> {
        if let Some(wanted) = self.kind.refuses(value) {
            return Err(self.refusal(value, &wanted));
        }
        let pattern = self.pattern.as_deref().map(regex).transpose()?;
        match self.kind {
            ParamKind::List => {
                items(value).iter().try_for_each(|item| self.check_choice(item, pattern.as_ref()))
            }
            _ => self.check_choice(value, pattern.as_ref()),
        }?;
        self.check_bounds(value)
    }

    fn refusal(&self, value: &str, wanted: &str) -> String {
        format!("parameter `{}` is `{}`, but must be {wanted}", self.name, shortened(value))
    }

    /// `enum` and `pattern`, of a whole value or of an item.
    fn check_choice(&self, value: &str, pattern: Option<&Regex>) -> Result<(), String> {
        let refused = |wanted: String| match self.kind {
            ParamKind::List => {
                format!(
                    "parameter `{}` has the item `{}`, but each must {wanted}",
                    self.name,
                    shortened(value)
                )
            }
            _ => format!("parameter `{}` is `{}`, but must {wanted}", self.name, shortened(value)),
        };
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice == value) {
            let listed: Vec<_> = self.choices.iter().take(20).map(|choice| format!("`{choice}`")).collect();
            let more = if self.choices.len() > 20 { " and others" } else { "" };
            return Err(refused(format!("be one of {}{more}", listed.join(", "))));
        }
        if pattern.is_some_and(|pattern| !pattern.is_match(value)) {
            let written = self.pattern.as_deref().unwrap_or_default();
            return Err(refused(format!("fit the pattern `{}` as a whole", shortened(written))));
        }
        Ok(())
    }

    /// `min` and `max`.
    fn check_bounds(&self, value: &str) -> Result<(), String> {
        let Some(number) = self.kind.measure(value) else { return Ok(()) };
        let bound = |bound: i64| self.kind.measured(bound);
        match (self.min, self.max) {
            (Some(min), _) if number < min => Err(self.refusal(value, &format!("at least {}", bound(min)))),
            (_, Some(max)) if number > max => Err(self.refusal(value, &format!("at most {}", bound(max)))),
            _ => Ok(()),
        }
    }
}

impl ParamKind {
    /// What a value of this kind must be, when this one is not.
    fn refuses(self, value: &str) -> Option<String> {
        let (right, wanted) = match self {
            Self::String => (is_passable(value), "at most 64 KiB of text without NUL characters"),
            Self::Region => (is_region(value), "the name of a region: lower-case letters, digits and dashes"),
            Self::Integer => (value.parse::<i64>().is_ok(), "a whole number"),
            Self::Boolean => (matches!(value, "true" | "false"), "`true` or `false`"),
            Self::Duration => (duration::parse(value).is_ok(), "a duration such as `90s` or `15m`"),
            Self::List if is_passable(value) => return no_list(&items(value)),
            Self::List => (false, "items between commas, 64 KiB of text at most"),
        };
        (!right).then(|| wanted.to_owned())
    }

    /// The number that `min` and `max` are about.
    pub(crate) fn measure(self, value: &str) -> Option<i64> {
        match self {
            Self::Integer => value.parse().ok(),
            Self::Duration => duration::parse(value).ok().map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
            _ => None,
        }
    }

    /// A bound as it was written.
    pub(crate) fn measured(self, number: i64) -> String {
        match (self, u64::try_from(number)) {
            (Self::Duration, Ok(ms)) => duration::written(ms),
            _ => number.to_string(),
        }
    }
}

/// What keeps some items from being a list.
pub(crate) fn no_list(items: &[String]) -> Option<String> {
    let wanted = if items.len() > MAX_ITEMS {
        format!("{MAX_ITEMS} items at most, and it has {}", items.len())
    } else if let Some(long) = items.iter().find(|item| item.chars().count() > MAX_ITEM) {
        format!("items of {MAX_ITEM} characters at most, and one begins with `{}`", shortened(long))
    } else if let Some(odd) = items.iter().find(|item| item.contains([',', '\n', '\r'])) {
        format!("items between commas, and one of them has a comma or a line end in it: `{}`", shortened(odd))
    } else if let Some(odd) = items.iter().find(|item| item.contains(char::is_control)) {
        format!("items without control characters, and one has some: `{}`", shortened(odd))
    } else {
        return None;
    };
    Some(wanted)
}

thread_local! {
    /// The regular expression that was built last: a plan of many steps asks for the same one over and over, and
    /// building it takes far longer than asking it.
    static LAST: RefCell<Option<(String, Regex)>> = const { RefCell::new(None) };
}

/// A regular expression that must fit a whole value.
pub(crate) fn regex(pattern: &str) -> Result<Regex, String> {
    let last = LAST.with_borrow(|last| last.clone());
    if let Some((_, built)) = last.filter(|(known, _)| known == pattern) {
        return Ok(built);
    }
    let build = |text: &str| RegexBuilder::new(text).size_limit(MAX_REGEX).nest_limit(32).build();
    // By itself first, so that no bracket of it can close the one around it.
    let built = build(pattern).and_then(|_| build(&format!(r"\A(?:{pattern})\z")));
    let built = built.map_err(|error| unusable(&error))?;
    LAST.set(Some((pattern.to_owned(), built.clone())));
    Ok(built)
}

fn unusable(error: &regex::Error) -> String {
    if let regex::Error::CompiledTooBig(_) = error {
        return "the pattern is too large once its repetitions are written out".to_owned();
    }
    // The last line says what is wrong; those above draw it for a wide terminal.
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    format!("the pattern is no regular expression: {}", last.trim_start_matches("error: "))
}

/// Every value reaches the steps as a variable of their environment.
fn is_passable(value: &str) -> bool {
    value.len() <= 64 << 10 && !value.contains('\0')
}
