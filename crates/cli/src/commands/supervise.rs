//! `baton supervise`: what an agent starts for every attempt; and `baton act`, which that starts for a native action.

use std::path::PathBuf;

/// Flags of `baton supervise` and `baton act`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The attempt's folder
    pub(crate) folder: PathBuf,
}
