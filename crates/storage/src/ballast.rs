//! Room kept aside: sled cannot even open on a full disk, so a file of a few megabytes is given
//! up when it comes to that, and taken back when there is room again.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::file;

/// Bytes kept aside in each data folder.
pub const BALLAST_BYTES: u64 = 16 * 1024 * 1024;

/// Below this many free bytes a member takes no more writes, so that it never meets the end.
pub const LOW_BYTES: u64 = 64 * 1024 * 1024;

fn path_in(folder: &Path) -> PathBuf {
    folder.join("ballast")
}

/// Sets the room aside. A disk without room is no error: the room has been given up already.
///
/// # Errors
/// Those of the file system, except a full disk and one that cannot reserve.
pub fn create(folder: &Path) -> io::Result<()> {
    let path = path_in(folder);
    if fs::metadata(&path).is_ok_and(|known| known.len() == BALLAST_BYTES) {
        return Ok(());
    }
    let reserve = || -> io::Result<()> {
        let ballast = File::create(&path)?;
        fallocate(&ballast, FallocateFlags::empty(), 0, BALLAST_BYTES)?;
        Ok(())
    };
    match reserve() {
        Ok(()) => Ok(()),
        Err(error) => {
            release(folder)?;
            match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::Unsupported => {
                    Ok(())
                }
                _ => Err(file::named("reserve", &path, &error)),
            }
        }
    }
}

/// Gives the room up.
///
/// # Errors
/// Those of the file system.
pub fn release(folder: &Path) -> io::Result<()> {
    file::remove_durably(&path_in(folder))
}

/// Bytes that are free for this process on the disk of `folder`.
///
/// # Errors
/// Those of the file system.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
