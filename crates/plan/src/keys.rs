//! Every key of a plan file, once: what `check` knows, what the JSON Schema says, and what is suggested for a slip.

mod table;

pub(crate) use table::{
    DEFAULTS, LIMITS, METADATA, OBJECTIVES, PARAM, PLAN, PROBE, RETRY, SPEC, STEP, UNTIL, WAIT,
};

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
    /// Exactly this text.
    Exactly(&'static str),
    /// The name of a plan or step.
    Name,
    /// One of a few words.
    Word(&'static [&'static str]),
    Flag,
    /// A whole number between two.
    Whole(u32, u32),
    Duration,
    /// A region's name or references.
    Region,
    /// CEL.
    Condition,
    /// A shell string or an argument list.
    Command,
    /// Exit codes.
    Codes,
    /// Names of steps.
    Names,
    /// Text by text.
    Labels,
    /// A parameter's value.
    Scalar,
    /// Nothing, `true` or an empty mapping.
    Nothing,
    /// A duration or a mapping.
    DurationOr(&'static Object),
    Object(&'static Object),
    /// Mappings by a name.
    Map(&'static Object),
    List(&'static Object),
    /// Part of the contract, but this build does not carry it out; the text says what to do instead.
    Later(&'static str),
}

impl Object {
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The keys that this build carries out.
    pub(crate) fn carried(&self) -> impl Iterator<Item = &'static Key> + Clone + use<> {
        self.keys.iter().filter(|key| !matches!(key.shape, Shape::Later(_)))
    }

    /// The key that was probably meant by one that does not exist.
    pub(crate) fn meant(&self, name: &str) -> Option<&'static str> {
        let other_word = table::OTHER_WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(name));
        let other_word = other_word.and_then(|(_, key)| self.key(key)).map(|key| key.name);
        other_word.or_else(|| nearest(name, self.carried().map(|key| key.name)))
    }
}
