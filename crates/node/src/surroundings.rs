//! What a coordinator stands on and talks through: sled and TCP, unless a simulator puts something else there.

use std::path::Path;
use std::sync::Arc;

use baton_api::connect::{Connect, Tcp};
use baton_engine::{Batch, State};
use baton_storage::log::{Log, LogDisk, OnFailure, OpenError, Recovered};

/// Opens the log of the member with this id in this folder.
pub type OpenLog =
    Arc<dyn Fn(&Path, u64, OnFailure) -> Result<(Arc<dyn LogDisk>, Recovered), OpenError> + Send + Sync>;

/// Sees each entry as this member has applied it: its index, what it carried, and the state after it.
pub type Witness = Arc<dyn Fn(u64, Option<&Batch>, &State) + Send + Sync>;

/// What a coordinator stands on and talks through.
#[derive(Clone)]
pub struct Surroundings {
    /// The log's disk.
    pub open_log: OpenLog,
    /// The way to the other members.
    pub connect: Arc<dyn Connect>,
    /// Where the laws are judged that every entry has to keep.
    pub witness: Option<Witness>,
}

impl Default for Surroundings {
    fn default() -> Self {
        let open_log = |folder: &Path, node, failure| {
            let (log, found) = Log::open(folder, node, failure)?;
            Ok((Arc::new(log) as Arc<dyn LogDisk>, found))
        };
        Self { open_log: Arc::new(open_log), connect: Arc::new(Tcp), witness: None }
    }
}
