//! The step templates that a file names, asked for before it is read.

use std::collections::{BTreeMap, BTreeSet};

use super::values::is_name;
use crate::document::{Node, Value};
use crate::template::{Catalogue, StepTemplate};

/// What the catalogue says of every `uses` of a file.
#[derive(Default)]
pub(super) struct Named {
    found: BTreeMap<(String, Option<u32>), (u32, StepTemplate)>,
    /// Every name of the catalogue, when one was not found.
    names: Vec<String>,
}

impl Named {
    /// Asks for what the steps of a file use. What is no name is left to the step to complain about.
    pub(super) fn of(document: &Node, catalogue: &dyn Catalogue) -> Self {
        let steps = document.below("spec").and_then(|spec| spec.below("steps"));
        let steps = match steps.map(|steps| &steps.value) {
            Some(Value::List(steps)) => steps.as_slice(),
            _ => &[],
        };
        let texts = steps.iter().filter_map(|step| match &step.below("uses")?.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        });
        let wanted: BTreeSet<_> = texts.filter_map(wanted).collect();
        let mut named = Self::default();
        for (name, version) in wanted {
            match catalogue.find(name, version) {
                Some(found) => drop(named.found.insert((name.to_owned(), version), found)),
                None if named.names.is_empty() => named.names = catalogue.names(),
                None => {}
            }
        }
        named
    }

    pub(super) fn find(&self, name: &str, version: Option<u32>) -> Option<&(u32, StepTemplate)> {
        self.found.get(&(name.to_owned(), version))
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }
}

/// `NAME` or `NAME@VERSION`.
pub(super) fn wanted(uses: &str) -> Option<(&str, Option<u32>)> {
    let (name, version) = match uses.split_once('@') {
        Some((name, version)) => (name, Some(version.parse().ok()?)),
        None => (uses, None),
    };
    is_name(name).then_some((name, version))
}
