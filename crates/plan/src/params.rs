//! The values that a run starts with: given ones checked, the others filled in.

pub(crate) mod check;

use std::collections::BTreeMap;

use crate::fault::shortened;
use crate::nearest::suggestion;
use crate::plan::{ParamKind, Plan};

impl Plan {
    /// Every parameter's value for a start that names `given`.
    ///
    /// # Errors
    /// A sentence for each value that is missing, unknown or of the wrong type.
    pub fn resolve_params(
        &self,
        given: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Vec<String>> {
        let mut problems: Vec<_> = given
            .keys()
            .filter(|name| !self.params.iter().any(|param| param.name == **name))
            .map(|name| {
                let names = self.params.iter().map(|param| param.name.as_str());
                let help = suggestion(name, "the parameters are", names);
                format!("plan `{}` has no parameter `{}`; {help}", self.name, shortened(name))
            })
            .collect();
        let mut values = BTreeMap::new();
        for param in &self.params {
            match given.get(&param.name).or(param.default.as_ref()) {
                None => problems.push(format!(
                    "parameter `{0}` has no default and must be given: `--param {0}=…`",
                    param.name
                )),
                Some(value) => match param.check(value) {
                    Ok(()) => drop(values.insert(param.name.clone(), plain(param.kind, value))),
                    Err(problem) => problems.push(problem),
                },
            }
        }
        if problems.is_empty() { Ok(values) } else { Err(problems) }
    }
}

/// A list has its items between commas, in whichever form it was given.
fn plain(kind: ParamKind, value: &str) -> String {
    match kind {
        ParamKind::List => items(value).join(","),
        _ => value.to_owned(),
    }
}

/// The items of a list: a JSON array of scalars, or what stands between commas or line ends.
pub fn items(text: &str) -> Vec<String> {
    let trimmed = text.trim();
    if trimmed.starts_with('[')
        && let Ok(values) = serde_json::from_str::<Vec<serde_json::Value>>(trimmed)
    {
        let plain = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        return values.into_iter().map(plain).collect();
    }
    let items = trimmed.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty());
    items.map(str::to_owned).collect()
}

/// Regions are named like DNS labels.
pub fn is_region(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests;
