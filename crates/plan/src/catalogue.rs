//! The step templates that come with the binary.

use std::sync::LazyLock;

use crate::check::step_template;
use crate::template::{Catalogue, StepTemplate};

/// Every file of the folder `catalogue`.
const FILES: [&str; 1] = [include_str!("../catalogue/write-file.yaml")];

static SHIPPED: LazyLock<Shipped> = LazyLock::new(|| {
    let templates = FILES.iter().filter_map(|source| Some((step_template(source).ok()?, *source)));
    Shipped(templates.collect())
});

/// The step templates that come with the binary, all of version 0.
pub fn builtin() -> &'static dyn Catalogue {
    &*SHIPPED
}

/// The file of a step template that came with the binary.
pub fn builtin_source(name: &str) -> Option<&'static str> {
    SHIPPED.0.iter().find(|(template, _)| template.name == name).map(|(_, source)| *source)
}

/// Each with its file.
struct Shipped(Vec<(StepTemplate, &'static str)>);

impl Catalogue for Shipped {
    fn find(&self, name: &str, version: Option<u32>) -> Option<(u32, StepTemplate)> {
        let found = self.0.iter().map(|(template, _)| template).find(|template| template.name == name)?;
        version.is_none_or(|version| version == 0).then(|| (0, found.clone()))
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(template, _)| template.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_a_step_template() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/catalogue");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), FILES.len());
        for source in FILES {
            step_template(source).unwrap_or_else(|problems| panic!("{problems:#?}"));
        }
        assert_eq!(builtin().names(), ["write-file"]);
        assert!(builtin().find("write-file", Some(0)).is_some());
        assert!(builtin().find("write-file", Some(1)).is_none());
        assert_eq!(builtin_source("write-file"), Some(FILES[0]));
        assert_eq!(builtin_source("other"), None);
    }
}
