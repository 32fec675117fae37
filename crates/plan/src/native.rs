//! What an agent does itself, without a program of yours: which kind of target, and what is asked of it. The table of
//! keys says what each kind takes; a plan keeps that as a tree, so that a new key is no new format.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::reference::Template;

/// The exit code by which a native action says that provably nothing happened.
pub const NOTHING_HAPPENED: i32 = 75;

/// One request to one kind of target. As a probe, or as what a `wait` asks, it is a question and changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Native {
    /// The kind of target.
    pub kind: Kind,
    /// What is asked, by the keys of a plan file, in the order in which they are written.
    pub fields: Vec<(String, Given)>,
}

/// A kind of target that agents know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An HTTP server.
    Http,
    /// A PostgreSQL server.
    Postgres,
    /// A name server that takes updates (RFC 2136).
    Dns,
    /// HAProxy's runtime API.
    Haproxy,
}

/// A value of a native action.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Given {
    /// Text with references.
    Text(Template),
    /// A number, a truth value or null, as JSON has them.
    Scalar(String),
    /// Milliseconds.
    Duration(u64),
    /// Several.
    List(Vec<Given>),
    /// Several by name.
    Map(Vec<(String, Given)>),
    /// A value that only the agent knows: `env:NAME` or `file:PATH`.
    Secret(Template),
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Http, Kind::Postgres, Kind::Dns, Kind::Haproxy];

    /// The key in a plan.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Http => "http",
            Kind::Postgres => "postgres",
            Kind::Dns => "dns",
            Kind::Haproxy => "haproxy",
        }
    }
}

impl Native {
    /// A value, when it is given.
    pub fn get(&self, name: &str) -> Option<&Given> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, given)| given)
    }

    /// What is asked as JSON, references filled in by `fill`; a secret is `{"secret": "env:NAME"}`.
    ///
    /// # Errors
    /// The first one of `fill`.
    pub fn render<E>(&self, mut fill: impl FnMut(&Template) -> Result<String, E>) -> Result<String, E> {
        Ok(object(&self.fields, &mut fill)?.to_string())
    }

    /// The action as the question whether what it wants is so already; only some kinds can ask that.
    pub(crate) fn as_question(&self) -> Option<Native> {
        let changing: &[&str] = match self.kind {
            Kind::Dns => &["from", "ttl", "tsig"],
            Kind::Haproxy => &["cutSessions"],
            Kind::Http | Kind::Postgres => return None,
        };
        let fields = self.fields.iter().filter(|(name, _)| !changing.contains(&name.as_str()));
        Some(Native { kind: self.kind, fields: fields.cloned().collect() })
    }

    /// Every text in which references are filled in.
    pub(crate) fn texts(&self) -> Vec<&Template> {
        let mut texts = Vec::new();
        self.fields.iter().for_each(|(_, given)| given.collect(&mut texts));
        texts
    }

    /// The same with other texts.
    pub(crate) fn with_texts(self, change: &impl Fn(&Template) -> Template) -> Self {
        let fields = self.fields.into_iter().map(|(name, given)| (name, given.with_texts(change)));
        Self { fields: fields.collect(), ..self }
    }
}

impl Given {
    fn collect<'a>(&'a self, texts: &mut Vec<&'a Template>) {
        match self {
            Given::Text(text) | Given::Secret(text) => texts.push(text),
            Given::Scalar(_) | Given::Duration(_) => {}
            Given::List(items) => items.iter().for_each(|item| item.collect(texts)),
            Given::Map(entries) => entries.iter().for_each(|(_, value)| value.collect(texts)),
        }
    }

    fn with_texts(self, change: &impl Fn(&Template) -> Template) -> Self {
        match self {
            Given::Text(text) => Given::Text(change(&text)),
            Given::Secret(text) => Given::Secret(change(&text)),
            Given::List(items) => {
                Given::List(items.into_iter().map(|item| item.with_texts(change)).collect())
            }
            Given::Map(entries) => Given::Map(
                entries.into_iter().map(|(name, value)| (name, value.with_texts(change))).collect(),
            ),
            plain => plain,
        }
    }

    /// Goes down the stack with the nesting, which the file's bounds bound.
    fn json<E>(&self, fill: &mut impl FnMut(&Template) -> Result<String, E>) -> Result<Value, E> {
        Ok(match self {
            Given::Text(text) => Value::from(fill(text)?),
            // It was read as JSON when the plan was checked.
            Given::Scalar(literal) => serde_json::from_str(literal).unwrap_or(Value::Null),
            Given::Duration(ms) => Value::from(*ms),
            Given::List(items) => items.iter().map(|item| item.json(fill)).collect::<Result<_, E>>()?,
            Given::Map(entries) => object(entries, fill)?,
            Given::Secret(text) => serde_json::json!({"secret": fill(text)?}),
        })
    }
}

fn object<E>(
    entries: &[(String, Given)],
    fill: &mut impl FnMut(&Template) -> Result<String, E>,
) -> Result<Value, E> {
    let entries = entries.iter().map(|(name, value)| Ok((name.clone(), value.json(fill)?)));
    Ok(Value::Object(entries.collect::<Result<_, E>>()?))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn what_is_asked_is_json_with_its_references_filled_in() {
        let text = |text: &str| Given::Text(Template::parse(text).unwrap());
        let fields = [
            ("url", text("http://${params.host}/a")),
            ("expect", Given::List(vec![Given::Scalar("201".into())])),
            ("timeout", Given::Duration(5000)),
            ("json", Given::Map(vec![("on".into(), Given::Scalar("true".into())), ("n".into(), text("x"))])),
            ("password", Given::Secret(Template::literal("env:P"))),
        ];
        let fields = fields.map(|(name, given)| (name.to_owned(), given)).to_vec();
        let native = Native { kind: Kind::Http, fields };
        let filled =
            native.render(|text| Ok::<_, Infallible>(text.to_string().replace("${params.host}", "h")));
        let filled: Value = serde_json::from_str(&filled.unwrap()).unwrap();
        let expected = serde_json::json!({
            "url": "http://h/a", "expect": [201], "timeout": 5000, "json": {"on": true, "n": "x"},
            "password": {"secret": "env:P"},
        });
        assert_eq!(filled, expected);
        assert_eq!(native.texts().len(), 3);
    }
}
