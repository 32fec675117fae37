//! The step templates that `uses` finds: those that were registered, and those that came with the binary.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_engine::State;
use baton_engine::plans::TemplateVersion;
use baton_plan::StepTemplate;
use baton_plan::template::Catalogue;

/// All templates at one moment. Cheap to take: the templates themselves are shared with the state.
pub(crate) struct Shelf {
    registered: BTreeMap<String, Vec<Arc<TemplateVersion>>>,
}

/// One version of one template.
pub(crate) enum Found {
    Registered(Arc<TemplateVersion>),
    BuiltIn(Box<StepTemplate>),
}

impl Shelf {
    pub(crate) fn of(state: &State) -> Shelf {
        Shelf { registered: state.templates.clone() }
    }

    /// A version, or the newest. What was registered goes before what came with the binary.
    pub(crate) fn get(&self, name: &str, version: Option<u32>) -> Option<Found> {
        let versions = self.registered.get(name);
        let registered = match version {
            None => versions.and_then(|versions| versions.last()),
            Some(number) => versions.and_then(|versions| versions.get((number as usize).checked_sub(1)?)),
        };
        registered.cloned().map(Found::Registered).or_else(|| {
            let (_, template) = baton_plan::builtin().find(name, version)?;
            Some(Found::BuiltIn(Box::new(template)))
        })
    }

    /// The newest version of each, by name.
    pub(crate) fn all(&self) -> Vec<Found> {
        self.names().iter().filter_map(|name| self.get(name, None)).collect()
    }
}

impl Catalogue for Shelf {
    fn find(&self, name: &str, version: Option<u32>) -> Option<(u32, StepTemplate)> {
        let found = self.get(name, version)?;
        Some((found.version(), found.template().clone()))
    }

    fn names(&self) -> Vec<String> {
        let mut names = baton_plan::builtin().names();
        names.extend(self.registered.keys().cloned());
        names.sort();
        names.dedup();
        names
    }
}

impl Found {
    pub(crate) fn template(&self) -> &StepTemplate {
        match self {
            Found::Registered(version) => &version.template,
            Found::BuiltIn(template) => template,
        }
    }

    /// 0 for one that came with the binary.
    pub(crate) fn version(&self) -> u32 {
        match self {
            Found::Registered(version) => version.version,
            Found::BuiltIn(_) => 0,
        }
    }

    /// The text as written.
    pub(crate) fn source(&self) -> String {
        match self {
            Found::Registered(version) => version.source.clone(),
            Found::BuiltIn(template) => {
                baton_plan::builtin_source(&template.name).unwrap_or_default().to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_with_the_binary_is_given_back_as_it_was_written() {
        let shelf = Shelf::of(&State::default());
        assert!(!shelf.names().is_empty());
        for found in shelf.all() {
            let source = found.source();
            let described = baton_plan::check_document(&source, &shelf);
            let Ok(baton_plan::Described::StepTemplate { template, .. }) = described else {
                panic!("{source}");
            };
            assert_eq!((&template, found.version()), (found.template(), 0));
        }
    }
}
