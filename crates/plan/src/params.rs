//! The values that a run starts with: given ones checked, the others filled in.

use std::collections::BTreeMap;

use crate::fault::shortened;
use crate::nearest::suggestion;
use crate::plan::{Param, ParamKind, Plan};

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
                    Ok(()) => drop(values.insert(param.name.clone(), value.clone())),
                    Err(problem) => problems.push(problem),
                },
            }
        }
        if problems.is_empty() { Ok(values) } else { Err(problems) }
    }
}

impl Param {
    /// Whether a value is of the parameter's type; if not, a sentence that says what it should be.
    pub(crate) fn check(&self, value: &str) -> Result<(), String> {
        let (right, wanted) = match self.kind {
            ParamKind::String => (is_passable(value), "at most 64 KiB of text without NUL characters"),
            ParamKind::Region => {
                (is_region(value), "the name of a region: lower-case letters, digits and dashes")
            }
            ParamKind::Integer => (value.parse::<i64>().is_ok(), "a whole number"),
            ParamKind::Boolean => (matches!(value, "true" | "false"), "`true` or `false`"),
            ParamKind::Duration => {
                (crate::duration::parse(value).is_ok(), "a duration such as `90s` or `15m`")
            }
        };
        if right {
            return Ok(());
        }
        Err(format!("parameter `{}` is `{}`, but must be {wanted}", self.name, shortened(value)))
    }
}

/// Every value reaches the steps as a variable of their environment.
fn is_passable(value: &str) -> bool {
    value.len() <= 64 << 10 && !value.contains('\0')
}

/// Regions are named like DNS labels.
pub fn is_region(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(given: &[(&str, &str)]) -> Result<BTreeMap<String, String>, Vec<String>> {
        let plan = crate::check(include_str!("../tests/good/everything.yaml")).unwrap().plan;
        plan.resolve_params(
            &given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        )
    }

    #[test]
    fn defaults_fill_what_is_not_given() {
        let values = resolve(&[("count", "-7"), ("patience", "1h")]).unwrap();
        let values: Vec<_> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(values, ["count=-7", "deep=true", "empty=", "patience=1h", "ticket=0042", "to=west-1"]);
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let wrong = resolve(&[
            ("cuont", "1"),
            ("count", "1.5"),
            ("deep", "yes"),
            ("to", "EU West"),
            ("patience", "5"),
            ("ticket", "a\0b"),
        ]);
        insta::assert_snapshot!(wrong.unwrap_err().join("\n"));
        let shop = crate::check(include_str!("../tests/good/shop-failover.yaml")).unwrap().plan;
        insta::assert_snapshot!(shop.resolve_params(&BTreeMap::new()).unwrap_err().join("\n"));
    }
}
