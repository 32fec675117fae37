//! Secrets: named in a plan, read here at the moment of use, and masked in everything that is reported.
//!
//! They reach a process by its environment, never by its arguments, and nothing that Baton writes holds them.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::attempt::Call;

/// What stands in the place of a secret.
const MASK: &str = "***";
/// A line of a longer secret, such as a key, gives it away as well; a short one says nothing.
const TELLING_LINE: usize = 8;

/// Variables with their secret values.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    variables: Vec<(String, String)>,
    /// What must not be seen, longest first.
    masked: Vec<String>,
}

impl Secrets {
    /// Reads what a call needs.
    ///
    /// # Errors
    /// Which one cannot be read, and why; never its value.
    pub(crate) fn of(call: &Call) -> Result<Secrets, String> {
        let places: Vec<(String, String)> = match call {
            Call::Process { secrets, .. } => secrets.clone().into_iter().collect(),
            Call::Native { asked, .. } => named(asked),
        };
        let variables = places.into_iter().map(|(name, place)| Ok((name, read(&place)?)));
        let variables: Vec<_> = variables.collect::<Result<_, String>>()?;
        let masked = masked(variables.iter().map(|(_, value)| value.as_str()));
        Ok(Secrets { variables, masked })
    }

    /// Variables of the process.
    pub(crate) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// The text without them.
    pub(crate) fn mask(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.masked {
            text = text.replace(secret, MASK);
        }
        text
    }

    /// [`Self::mask`] for the end of a longer text, which may begin in the middle of a secret.
    pub(crate) fn mask_tail(&self, text: &str) -> String {
        let ends = self.masked.iter().flat_map(|secret| {
            let cuts = secret.char_indices().skip(1);
            cuts.map(|(at, _)| &secret[at..])
        });
        let begun = ends.filter(|end| text.starts_with(end)).map(str::len).max();
        match begun {
            Some(length) => format!("{MASK}{}", self.mask(&text[length..])),
            None => self.mask(text),
        }
    }
}

/// The variables under which the secrets of a native action reach it, and where each is read: in the order in which
/// the places are named.
fn named(asked: &str) -> Vec<(String, String)> {
    let asked: Value = serde_json::from_str(asked).unwrap_or_default();
    let mut places = Vec::new();
    find(&asked, &mut places);
    places.into_iter().enumerate().map(|(index, place)| (variable(index), place)).collect()
}

fn variable(index: usize) -> String {
    format!("BATON_SECRET_{index}")
}

fn place(value: &Value) -> Option<&str> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.get("secret")?.as_str()
}

fn find(value: &Value, places: &mut Vec<String>) {
    if let Some(place) = place(value) {
        // An empty place is no secret at all: what a step template offers and a plan does not use.
        if !place.is_empty() && !places.iter().any(|known| known == place) {
            places.push(place.to_owned());
        }
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| find(item, places)),
        Value::Object(entries) => entries.values().for_each(|value| find(value, places)),
        _ => {}
    }
}

/// What is asked with the secrets in their places.
///
/// # Errors
/// If one is missing.
pub(crate) fn put_in(asked: Value, value_of: impl Fn(&str) -> Option<String>) -> Result<Value, String> {
    let mut places = Vec::new();
    find(&asked, &mut places);
    let values = places.into_iter().enumerate().map(|(index, place)| {
        let value = value_of(&variable(index));
        value.map(|value| (place, value)).ok_or_else(|| "a secret did not reach the action".to_owned())
    });
    let values: BTreeMap<String, String> = values.collect::<Result<_, _>>()?;
    Ok(filled(asked, &values))
}

fn filled(value: Value, values: &BTreeMap<String, String>) -> Value {
    if let Some(place) = place(&value) {
        return values.get(place).map_or(Value::Null, |value| Value::from(value.as_str()));
    }
    match value {
        Value::Array(items) => items.into_iter().map(|item| filled(item, values)).collect(),
        Value::Object(entries) => {
            Value::Object(entries.into_iter().map(|(key, value)| (key, filled(value, values))).collect())
        }
        plain => plain,
    }
}

fn read(place: &str) -> Result<String, String> {
    let cannot = |why: String| format!("the secret {place} cannot be read on the agent: {why}");
    let value = match place.split_once(':') {
        Some(("env", name)) => std::env::var(name).map_err(|error| cannot(error.to_string()))?,
        Some(("file", path)) => {
            let text = fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
            // An editor's last line end belongs to no password.
            text.strip_suffix('\n').map_or(text.as_str(), |text| text.trim_end_matches('\r')).to_owned()
        }
        // It may be the secret itself, so it is not shown.
        _ => return Err("a secret is neither `env:NAME` nor `file:PATH`, so nothing is read".into()),
    };
    match value {
        value if value.is_empty() => Err(cannot("it is empty".into())),
        value if value.contains('\0') => Err(cannot("it holds a NUL character".into())),
        value => Ok(value),
    }
}

fn masked<'a>(values: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut masked = Vec::new();
    for value in values {
        masked.push(value.to_owned());
        let quoted = Value::from(value).to_string();
        masked.push(quoted[1..quoted.len() - 1].to_owned());
        let lines = value.lines().map(str::trim).filter(|line| line.len() >= TELLING_LINE);
        masked.extend(lines.map(str::to_owned));
    }
    masked.sort_by_key(|text| std::cmp::Reverse(text.len()));
    masked.dedup();
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(value: &str) -> (tempfile::TempDir, Secrets) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, value).unwrap();
        let secrets = BTreeMap::from([("KEY".to_owned(), format!("file:{}", path.display()))]);
        let secrets = Secrets::of(&Call::Process { argv: Vec::new(), secrets }).unwrap();
        (folder, secrets)
    }

    #[test]
    fn a_secret_is_masked_wherever_it_stands() {
        let (_folder, secrets) = of_file("s3cr\"et\n");
        assert_eq!(secrets.variables(), [("KEY".to_owned(), "s3cr\"et".to_owned())]);
        assert_eq!(secrets.mask("a s3cr\"et b {\"k\":\"s3cr\\\"et\"}"), "a *** b {\"k\":\"***\"}");
    }

    #[test]
    fn a_key_is_masked_line_by_line_as_well() {
        let (_folder, secrets) = of_file("-----BEGIN-----\nMIIEvQIBADANBg\nshort\n");
        assert_eq!(secrets.mask("> MIIEvQIBADANBg <"), "> *** <");
        assert_eq!(secrets.mask("short"), "short");
    }

    #[test]
    fn a_tail_that_begins_within_a_secret_does_not_tell_its_end() {
        let (_folder, secrets) = of_file("correct horse");
        assert_eq!(secrets.mask_tail("horse and correct horse"), "*** and ***");
        assert_eq!(secrets.mask_tail("no horse"), "no horse");
    }

    #[test]
    fn what_cannot_be_read_is_named_and_not_shown() {
        let native = |place: &str| Call::Native {
            kind: "http".into(),
            asked: serde_json::json!({"headers": {"a": {"secret": place}}}).to_string(),
        };
        let refused = |place: &str| Secrets::of(&native(place)).unwrap_err();
        let why = refused("env:BATON_NO_SUCH_VARIABLE");
        assert_eq!(
            why,
            "the secret env:BATON_NO_SUCH_VARIABLE cannot be read on the agent: environment variable not found"
        );
        assert!(refused("file:/nonexistent/x").contains("No such file"));
        assert!(!refused("hunter2").contains("hunter2"));
        assert!(Secrets::of(&native("")).unwrap().variables().is_empty());
    }

    #[test]
    fn secrets_of_a_native_action_come_to_their_places() {
        let asked = serde_json::json!({
            "a": {"secret": "env:A"}, "b": [{"secret": "file:/b"}, {"secret": "env:A"}], "c": {"secret": 1, "d": 2},
        });
        let variables: Vec<_> = named(&asked.to_string()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(variables, ["BATON_SECRET_0", "BATON_SECRET_1"]);
        let filled = put_in(asked.clone(), |name| Some(format!("<{name}>"))).unwrap();
        let expected = serde_json::json!({
            "a": "<BATON_SECRET_0>", "b": ["<BATON_SECRET_1>", "<BATON_SECRET_0>"], "c": {"secret": 1, "d": 2},
        });
        assert_eq!(filled, expected);
        assert!(put_in(asked, |_| None).is_err());
    }
}
