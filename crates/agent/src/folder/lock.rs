//! Who may act: whoever holds the lock of the attempt's folder.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};

use baton_storage::codec;
use rustix::fs::{FlockOperation, flock};

use super::Folder;
use crate::attempt::Assignment;

impl Folder {
    /// Writes what to do, and gives back the lock under which it is done.
    pub(crate) fn hand_out(&self, assignment: &Assignment) -> io::Result<File> {
        let mut file = self.lock()?;
        file.write_all(&codec::encode(assignment))?;
        Ok(file)
    }

    /// The lock.
    ///
    /// # Errors
    /// If somebody else holds it.
    pub(crate) fn lock(&self) -> io::Result<File> {
        self.try_lock()?.ok_or_else(|| io::Error::other("somebody else keeps the attempt"))
    }

    /// The file that is locked, open and not locked.
    pub(crate) fn lock_file(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        match options.open(self.path.join("lock")) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                options.create(true).truncate(false).open(self.path.join("assignment"))
            }
            of_an_older_version => of_an_older_version,
        }
    }

    /// The lock, held until the file is closed everywhere; `None` while somebody else holds it.
    pub(crate) fn try_lock(&self) -> io::Result<Option<File>> {
        let file = self.lock_file()?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the lock, for as long as the supervisor lives.
    pub(crate) fn wait_for_lock(&self) -> io::Result<File> {
        let file = self.lock_file()?;
        loop {
            match flock(&file, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(file),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
