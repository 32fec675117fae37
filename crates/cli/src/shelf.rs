//! The step templates that `uses` finds: those that came with the binary, those in files named beside the plan, and
//! those that are registered in the cluster, which is asked only for what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use baton_client::{Client, Error};
use baton_plan::template::Catalogue;
use baton_plan::{Described, Problem, StepTemplate, builtin, check_document, check_document_bytes};

use crate::failure::Failure;

/// A template's name, and the version that is asked for; none for the newest.
type Wanted = (String, Option<u32>);

/// All templates that are known, and which were looked for in vain.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// By name. What is at hand goes for every version of it.
    from_files: BTreeMap<String, StepTemplate>,
    from_cluster: BTreeMap<Wanted, (u32, StepTemplate)>,
    /// Every name in the cluster, for suggestions.
    in_cluster: Vec<String>,
    missed: Mutex<BTreeSet<Wanted>>,
}

impl Catalogue for Shelf {
    fn find(&self, name: &str, version: Option<u32>) -> Option<(u32, StepTemplate)> {
        if let Some(template) = self.from_files.get(name) {
            return Some((version.unwrap_or_default(), template.clone()));
        }
        let wanted = (name.to_owned(), version);
        let found = self.from_cluster.get(&wanted).cloned().or_else(|| builtin().find(name, version));
        if found.is_none() {
            self.missed().insert(wanted);
        }
        found
    }

    fn names(&self) -> Vec<String> {
        let mut names = builtin().names();
        names.extend(self.from_files.keys().cloned().chain(self.in_cluster.iter().cloned()));
        names.sort();
        names.dedup();
        names
    }
}

impl Shelf {
    /// Puts the template of a file on the shelf.
    pub(crate) fn put(&mut self, template: &StepTemplate) {
        self.from_files.insert(template.name.clone(), template.clone());
    }

    /// Checks a file. Where a step uses a template that is not at hand, the cluster is asked for it.
    pub(crate) async fn check(
        &mut self,
        bytes: &[u8],
        cluster: Option<&Client>,
    ) -> Result<Result<Described, Vec<Problem>>, Failure> {
        self.missed().clear();
        let described = check_document_bytes(bytes, self);
        let Some(cluster) = cluster.filter(|_| self.hint().is_some()) else { return Ok(described) };
        let missed = std::mem::take(&mut *self.missed());
        for wanted in missed {
            self.fetch(cluster, wanted).await?;
        }
        let listed = cluster.list_templates(false).await?.templates;
        self.in_cluster = listed.into_iter().map(|template| template.template).collect();
        let described = check_document_bytes(bytes, self);
        self.missed().clear();
        Ok(described)
    }

    /// What to do where the last file used a template that nobody was asked for.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        let missed = !self.missed().is_empty();
        missed.then_some("a step template that is registered in a cluster is found with --servers")
    }

    fn missed(&self) -> MutexGuard<'_, BTreeSet<Wanted>> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&mut self, cluster: &Client, wanted: Wanted) -> Result<(), Failure> {
        let found = match cluster.get_template(&wanted.0, wanted.1, false).await {
            Ok(found) => found,
            Err(Error::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        // The cluster has checked it; what this program does not understand is missing here.
        if let Ok(Described::StepTemplate { template, .. }) = check_document(&found.source, self) {
            self.from_cluster.insert(wanted, (found.summary.template_version, template));
        }
        Ok(())
    }
}
