//! Runs at rest, on disk: what the state need not hold. Every member adds the same runs in the same order, because the
//! log says when a run comes to rest; a snapshot says how far the archive reaches that belongs to it.

use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use baton_engine::chain;
use baton_engine::run::{Run, Status};
use baton_engine::standing::Summary;
use baton_storage::archive::{Archive, Entry, Mark};
use baton_storage::codec;

use super::archive_index::Index;
use super::formats::{ArchivedLine, ArchivedRun};

/// The archive, and where in it each run stands.
pub(crate) struct RunArchive {
    files: Archive,
    index: RwLock<Index>,
}

/// Where a run stands that is in the archive, and by what a list may choose it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) count: u64,
    pub(crate) status: Status,
    pub(crate) plan: Arc<str>,
}

impl RunArchive {
    /// Opens the archive in `folder`, and stands at `mark`. Blocks.
    ///
    /// # Errors
    /// Those of the file system; an archive that does not hold what stands before the mark.
    pub(crate) fn open(folder: &Path, mark: Mark) -> anyhow::Result<Self> {
        let archive = Self { files: Archive::open(folder)?, index: RwLock::default() };
        if !archive.stand_at(mark)? {
            anyhow::bail!(
                "{}: the snapshot goes with an archive of {} ended runs, and this one has {}. This member's data is \
                 damaged: move its data folder away and bring the member back under a new id",
                folder.display(),
                mark.count,
                archive.files.reach().count
            );
        }
        archive.files.give_up_torn(|body| codec::decode::<ArchivedRun>(body).is_ok())?;
        Ok(archive)
    }

    /// Lets what stands before `mark` count, and nothing else. False where the files do not hold just that. Blocks.
    pub(crate) fn stand_at(&self, mark: Mark) -> io::Result<bool> {
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if !self.files.stand_at(mark) {
            return Ok(false);
        }
        *index = Index::default();
        for count in 0..mark.count {
            let ArchivedLine(summary) = codec::decode(&self.files.line(count)?).map_err(damaged)?;
            index.note(count, &summary);
        }
        Ok(true)
    }

    /// Adds a run at rest; its `summary` is what lists show. Blocks as long as the page cache takes.
    pub(crate) fn add(&self, run: &Arc<Run>, summary: Summary) -> io::Result<()> {
        let digest = chain::digest(&(run.number, run.changed, run.timeline.last().map(|last| last.digest)));
        let body = codec::encode(&ArchivedRun(Arc::clone(run)));
        let line = ArchivedLine(summary);
        let count = self.files.add(&Entry { digest, line: codec::encode(&line), body })?;
        self.index.write().unwrap_or_else(PoisonError::into_inner).note(count, &line.0);
        Ok(())
    }

    /// Where a run stands; `None` for one that was never at rest.
    pub(crate) fn find(&self, id: &str) -> Option<(u64, Row)> {
        let index = self.read();
        let number = index.number(id)?;
        Some((number, index.row(number)?))
    }

    /// A run as it was archived last; `None` for one that was never at rest. Blocks.
    pub(crate) fn load(&self, id: &str) -> io::Result<Option<Arc<Run>>> {
        self.find(id).map(|(_, row)| self.run(row.count)).transpose()
    }

    /// The run of a row. Blocks.
    pub(crate) fn run(&self, count: u64) -> io::Result<Arc<Run>> {
        let ArchivedRun(run) = codec::decode(&self.files.body(count)?).map_err(damaged)?;
        Ok(run)
    }

    /// What a list shows of a row. Blocks.
    pub(crate) fn summary(&self, count: u64) -> io::Result<Summary> {
        let ArchivedLine(summary) = codec::decode(&self.files.line(count)?).map_err(damaged)?;
        Ok(summary)
    }

    /// Rows of runs that began before the run number `before` and that are `wanted`, the newest first.
    pub(crate) fn newest_first(
        &self,
        before: u64,
        limit: usize,
        wanted: impl Fn(u64, &Row) -> bool,
    ) -> Vec<(u64, Row)> {
        let index = self.read();
        let rows = index.newest_first(before).filter(|(number, row)| wanted(*number, row));
        rows.take(limit).collect()
    }

    /// The files, which other members and backups take copies of.
    pub(crate) fn files(&self) -> &Archive {
        &self.files
    }

    fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn damaged(error: codec::Error) -> io::Error {
    let text = format!(
        "the archive of ended runs cannot be read: {error}. This member's data is damaged: move its data folder away \
         and bring the member back under a new id"
    );
    io::Error::new(io::ErrorKind::InvalidData, text)
}
