//! Every key of a plan file, once: what `check` knows, what the JSON Schema and `explain` say, and what is suggested for
//! a slip.

mod file;
mod kinds;
mod native;
mod other_words;
mod people;
mod step;
mod work;

pub(crate) use file::{
    CLOCK, DEFAULTS, LIMITS, METADATA, OBJECTIVES, PARAM, PLAN, SPEC, STEP_TEMPLATE, TEMPLATE_SPEC,
};
pub(crate) use kinds::{BARRIER, CHILD, FOR_EACH, IN_MODE, ON_FAILURE, VARIANT};
pub(crate) use native::{DNS, HAPROXY, HTTP, POSTGRES, SECRET_COMMAND};
pub(crate) use people::{APPROVAL, MANUAL};
pub(crate) use step::STEP;
pub(crate) use work::{PROBE, RETRY, UNDO, UNTIL, WAIT};

use crate::nearest::nearest;

/// A mapping with fixed keys.
#[derive(Debug)]
pub(crate) struct Object {
    /// What a problem calls it: "a step".
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) keys: &'static [Key],
}

/// One key of a mapping.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
}

/// What a key's value looks like.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Text as it stands.
    Text,
    /// Text with references.
    Template,
    /// A list of texts.
    Texts,
    /// Exactly this text.
    Exactly(&'static str),
    /// The name of a plan or step.
    Name,
    /// One of a few words.
    Word(&'static [&'static str]),
    /// Some of a few words.
    Words(&'static [&'static str]),
    Flag,
    /// A whole number between two.
    Whole(u32, u32),
    Duration,
    /// A whole number or a duration.
    Bound,
    /// A region's name or references.
    Region,
    /// CEL.
    Condition,
    /// A shell string or an argument list.
    Command,
    /// Text with references, or `{secret: …}`.
    Secret,
    /// Anything; references are filled in in its texts.
    Json,
    /// Values of a shape.
    ListOf(&'static Shape),
    /// Values of a shape by name.
    ByName(&'static Shape),
    /// Exit codes.
    Codes,
    /// Names of steps.
    Names,
    /// Text by text.
    Labels,
    /// A whole number by name, from 1 on.
    Counts,
    /// A value, or a list of them, by the name of a parameter.
    Values,
    /// A parameter's value, or the items of a list.
    Value,
    /// Nothing, `true` or an empty mapping.
    Nothing,
    Object(&'static Object),
    /// Another shape, or a mapping.
    Or(&'static Shape, &'static Object),
    /// Mappings by a name.
    Map(&'static Object),
    List(&'static Object),
}

/// The keys that say what is done.
const ACTIONS: [&str; 13] = [
    "command", "http", "postgres", "dns", "haproxy", "wait", "noop", "approval", "manual", "gate", "barrier",
    "plan", "uses",
];

/// Those of them that an agent does and that answer: they can be probed, judged and tried again, and must say whether
/// doing them twice is harmless. Each can be a question as well.
pub(crate) const PERFORMED: [&str; 5] = ["command", "http", "postgres", "dns", "haproxy"];

const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, doc, shape, required: false }
}

const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, doc, shape, required: true }
}

impl Object {
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The keys that say what is done, of which there can be one.
    pub(crate) fn actions(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.keys.iter().map(|key| key.name).filter(|name| ACTIONS.contains(name))
    }

    /// The key that was probably meant by one that does not exist.
    pub(crate) fn meant(&self, name: &str) -> Option<&'static str> {
        let mut other_words =
            other_words::OTHER_WORDS.iter().filter(|(word, _)| word.eq_ignore_ascii_case(name));
        let other_word = other_words.find_map(|(_, key)| self.key(key)).map(|key| key.name);
        other_word.or_else(|| nearest(name, self.keys.iter().map(|key| key.name)))
    }
}

impl Shape {
    /// The mapping whose keys a value of this shape has, or may have.
    pub(crate) fn object(&self) -> Option<&'static Object> {
        match self {
            Shape::Object(object) | Shape::Or(_, object) | Shape::Map(object) | Shape::List(object) => {
                Some(object)
            }
            _ => None,
        }
    }
}
