//! Regions that a person declared lost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::stamp::Moment;

/// A person's word that a region is gone for good: nothing that ran there can act any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Whose word.
    pub operator: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Moment,
}

/// By region.
pub type LostRegions = BTreeMap<String, Lost>;
