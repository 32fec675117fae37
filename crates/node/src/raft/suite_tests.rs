//! openraft's own tests of a store, on ours.

use std::sync::Arc;

use baton_storage::archive::Mark;
use openraft::StorageError;
use openraft::testing::log::{StoreBuilder, Suite};
use tempfile::TempDir;

use super::archive::RunArchive;
use super::log_store::LogStore;
use super::snapshot::SnapshotFolder;
use super::state_machine::MachineStore;
use super::types::Types;

struct Builder;

impl StoreBuilder<Types, LogStore, MachineStore, TempDir> for Builder {
    async fn build(&self) -> Result<(TempDir, LogStore, MachineStore), StorageError<Types>> {
        let folder = tempfile::tempdir().unwrap();
        let failure = Arc::new(|error: &std::io::Error| panic!("the disk failed: {error}"));
        let opened = LogStore::open(folder.path(), 1, failure).unwrap();
        let (snapshots, loaded) = SnapshotFolder::open(&folder.path().join("snapshots")).unwrap();
        let archive = RunArchive::open(&folder.path().join("archive"), Mark::default()).unwrap();
        let (machine, _) = MachineStore::new(snapshots, archive, loaded, None).unwrap();
        Ok((folder, opened.store, machine))
    }
}

#[tokio::test]
async fn openrafts_suite_passes() {
    Suite::test_all(Builder).await.unwrap();
}
