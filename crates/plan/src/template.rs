//! A step template: knowledge of how one thing is done, probed and undone, for plans to use by its name.

use serde::{Deserialize, Serialize};

use crate::plan::{Param, Work};
use crate::reference::Template;

/// What `kind: StepTemplate` says, checked. In its references and expressions, `params` are its own; in its undo it may
/// refer to its own outputs, under its own name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StepTemplate {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.owner`.
    pub owner: Option<String>,
    /// `metadata.description`.
    pub description: Option<String>,
    /// What `with` must give, in the order in which they are written.
    pub params: Vec<Param>,
    /// The outputs that it leaves behind, with what each means.
    pub outputs: Vec<(String, String)>,
    /// Where it runs, when the step that uses it does not say.
    pub region: Option<Template>,
    /// What it does.
    pub work: Work,
    /// What takes its effect back.
    pub undo: Option<Work>,
    /// How long one attempt usually takes, milliseconds.
    pub estimate_ms: Option<u64>,
}

/// Where `uses` finds step templates.
pub trait Catalogue {
    /// The template of that name, and its version: the newest, or the one asked for. Version 0 came with the binary.
    fn find(&self, name: &str, version: Option<u32>) -> Option<(u32, StepTemplate)>;

    /// Every name, for suggestions.
    fn names(&self) -> Vec<String>;
}
