//! `baton supervise`: what keeps one attempt; `baton cradle`, from which an agent forks it; and `baton act`, which it
//! starts for a native action.

use std::path::PathBuf;

/// Flags of all three.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The attempt's folder
    pub(crate) folder: PathBuf,
}
