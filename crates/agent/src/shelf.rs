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
}

impl Shelf {
    /// One that the attempt with this token may take over: not that of an attempt with the same token, which a cluster
    /// has given that was made anew under its agents. What is still marked in it would count.
    pub(crate) fn take(&mut self, token: u64) -> Option<Folder> {
        let its_own = format!("{PREFIX}{token}");
        self.spare.pop_if(|spare| !spare.path().ends_with(&its_own))
    }

    /// Takes a folder that is not needed any more: to be used again where nothing of its attempt is left that could write
    /// to it, else to be removed.
    pub(crate) fn put(&mut self, folder: &Folder, clean: bool) {
        let keep = || if clean && self.spare.len() < SPARE { lay_aside(folder) } else { None };
        if let Some(spare) = keep() {
            self.spare.push(spare);
        } else if let Err(error) = folder.remove() {
            let shown = folder.path().display();
            tracing::warn!(%error, "the attempt's folder {shown} could not be removed");
        }
    }
}

/// Under a name that tells whose it was.
fn lay_aside(folder: &Folder) -> Option<Folder> {
    let token = folder.path().file_name()?.display();
    let spare = Folder::at(&folder.path().with_file_name(format!("{PREFIX}{token}")));
    folder.leave_as(&spare).ok()?.then_some(spare)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{Action, Assignment, Key};

    #[test]
    fn a_folder_does_not_go_over_to_the_token_that_left_it() {
        let attempts = tempfile::tempdir().unwrap();
        let folder = Folder::at(&attempts.path().join("7"));
        let assignment = Assignment {
            key: Key { run: "r".into(), step: "s".into(), attempt: 1, token: 7 },
            probe: false,
            idempotent: true,
            action: Action::Noop,
            environment: Default::default(),
            timeout_ms: 0,
        };
        folder.create().unwrap();
        drop(folder.hand_out(&assignment).unwrap());
        let mut shelf = Shelf::default();
        shelf.put(&folder, true);
        assert!(shelf.take(7).is_none());
        assert!(shelf.take(17).is_some_and(|spare| spare.path().exists()) && shelf.take(17).is_none());
    }
}
