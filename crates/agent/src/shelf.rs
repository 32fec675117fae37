//! The folders that ended attempts have left for later ones.

use std::fs;
use std::io;
use std::path::Path;

use crate::folder::Folder;

/// More of them are removed.
const SPARE: usize = 64;
const PREFIX: &str = "spare-";

#[derive(Debug, Default)]
pub(crate) struct Shelf {
    spare: Vec<Folder>,
    made: u64,
}

impl Shelf {
    /// One that an attempt may take over.
    pub(crate) fn take(&mut self) -> Option<Folder> {
        self.spare.pop()
    }

    /// Takes a folder that is not needed any more: to be used again where nothing of its attempt is left that could write
    /// to it, else to be removed.
    pub(crate) fn put(&mut self, folder: &Folder, clean: bool) {
        let keep = || if clean && self.spare.len() < SPARE { self.try_to_keep(folder) } else { None };
        if let Some(spare) = keep() {
            self.made += 1;
            self.spare.push(spare);
        } else if let Err(error) = folder.remove() {
            let shown = folder.path().display();
            tracing::warn!(%error, "the attempt's folder {shown} could not be removed");
        }
    }

    fn try_to_keep(&self, folder: &Folder) -> Option<Folder> {
        let place = folder.path().parent()?.join(format!("{PREFIX}{}", self.made));
        let spare = Folder::at(&place);
        folder.leave_as(&spare).ok()?.then_some(spare)
    }
}

/// Removes what an earlier agent had.
pub(crate) fn clear(attempts: &Path) -> io::Result<()> {
    for entry in fs::read_dir(attempts)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
