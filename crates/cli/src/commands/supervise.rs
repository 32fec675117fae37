//! `baton supervise`: what an agent starts for every attempt.

use std::path::PathBuf;

/// Flags of `baton supervise`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The attempt's folder
    pub(crate) folder: PathBuf,
}
