//! A mapping with fixed keys, taken apart: unknown keys refused with the one that was meant, missing ones named.

use super::report::{Path, Report};
use crate::document::{Key, Node, Position, Value};
use crate::fault::{Fault, shortened};
use crate::keys::{Object, TEMPLATE_SPEC};

/// The entries of a mapping whose keys are all known.
pub(super) struct Fields<'a> {
    /// Where the mapping stands.
    pub(super) at: Position,
    pub(super) path: &'a Path<'a>,
    entries: Vec<(&'a str, Position, &'a Node)>,
    /// Keys that were meant by ones that do not exist, so that they are not reported as missing too.
    meant: Vec<&'static str>,
    merge: bool,
}

/// One value of a mapping, with its path.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) path: Path<'a>,
    pub(super) node: &'a Node,
    /// Where the key stands.
    pub(super) key_at: Position,
}

impl<'a> Fields<'a> {
    /// `None` when it is no mapping at all; every other problem leaves the good entries readable.
    pub(super) fn read(
        object: &'static Object,
        node: &'a Node,
        path: &'a Path<'a>,
        report: &mut Report,
    ) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            let message = format!("{} must be a mapping, and this is {}", object.name, node.value.kind());
            report.add(
                path,
                node.at,
                Fault::new(message, format!("write `key: value` lines; {}", listed(object, path))),
            );
            return None;
        };
        let mut fields = Self { at: node.at, path, entries: Vec::new(), meant: Vec::new(), merge: false };
        for (key, value) in entries {
            match object.key(&key.name) {
                None if report.is_full() => report.count(),
                None => fields.unknown(object, key, report),
                Some(_) => fields.entries.push((&key.name, key.at, value)),
            }
        }
        for key in object.keys.iter().filter(|key| key.required && !fields.has(key.name)) {
            let message = format!("{} has no `{}`", object.name, key.name);
            report.add(
                path,
                node.at,
                Fault::new(message, format!("add `{}`: {}", key.name, clause(key.doc))),
            );
        }
        Some(fields)
    }

    fn unknown(&mut self, object: &'static Object, key: &Key, report: &mut Report) {
        let path = self.path.key(&key.name);
        if key.name == "<<" {
            self.merge = true;
            let message = "YAML 1.2 has no merge key `<<`";
            report.add(
                &path,
                key.at,
                Fault::new(message, "write the keys out; an alias can still stand for a whole value"),
            );
            return;
        }
        let meant = object.meant(&key.name);
        self.meant.extend(meant);
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("remove it; {}", listed(object, self.path)),
        };
        report.add(
            &path,
            key.at,
            Fault::new(format!("{} has no key `{}`", object.name, shortened(&key.name)), help),
        );
    }

    /// A value, when it is given.
    pub(super) fn get(&self, name: &'static str) -> Option<Field<'a>> {
        let (_, key_at, node) = self.entries.iter().find(|(key, ..)| *key == name)?;
        Some(Field { path: self.path.key(name), node, key_at: *key_at })
    }

    /// Whether keys were to be merged in, of which nobody knows which.
    pub(super) fn has_merge(&self) -> bool {
        self.merge
    }

    /// Whether a key is given, or was meant by one that does not exist.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, ..)| *key == name) || self.meant.contains(&name)
    }
}

/// Which keys there are, or, when those are too many for a line, where they are listed.
fn listed(object: &'static Object, path: &Path<'_>) -> String {
    let names: Vec<_> = object.keys.iter().map(|key| key.name).collect();
    if names.len() <= 12 {
        return format!("the keys here are {}", names.join(", "));
    }
    let kind = if std::ptr::eq(object, &TEMPLATE_SPEC) { "StepTemplate." } else { "" };
    let path: String =
        path.to_string().split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect();
    format!("`baton plan explain {kind}{path}` lists the {} keys that can stand here", names.len())
}

/// A sentence of the reference page as the rest of another one.
fn clause(doc: &str) -> String {
    let (first, rest) = doc.split_at(1);
    format!("{}{}", first.to_lowercase(), rest.trim_end_matches('.'))
}
