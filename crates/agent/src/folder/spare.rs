//! An ended attempt's folder goes over to a later one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use baton_storage::codec;
use rustix::fs::{FlockOperation, flock};

use super::Folder;
use crate::attempt::Assignment;

impl Folder {
    /// Leaves the folder to a later attempt, under a name that is none; or says that it holds what it should not.
    pub(crate) fn leave_as(&self, spare: &Folder) -> io::Result<bool> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            match entry.file_name().as_encoded_bytes() {
                b"assignment" | b"executing" | b"exit" => {}
                b"output" => fs::remove_file(entry.path())?,
                _ => return Ok(false),
            }
        }
        fs::rename(&self.path, &spare.path)?;
        Ok(true)
    }

    /// [`Folder::create`] and [`Folder::hand_out`] with a folder that an earlier attempt has left.
    pub(crate) fn take_over(&self, spare: &Folder, assignment: &Assignment) -> io::Result<File> {
        let mut file = open(&spare.path.join("assignment"))?;
        file.write_all(&codec::encode(assignment))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        // Not where something has been said of the attempt already, such as to stop it.
        fs::rename(&spare.path, &self.path)?;
        Ok(file)
    }
}

/// Writes over the beginning of a file, or a new one.
pub(super) fn write_over(path: &Path, bytes: &[u8]) -> io::Result<()> {
    open(path).or_else(|_| File::create(path))?.write_all(bytes)
}

/// Opens a plain file that is there.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path)
}
