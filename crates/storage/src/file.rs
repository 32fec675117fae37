//! Files and folders that are still there after a power cut.
//!
//! A file's bytes, its name in the folder, and the folder's name in its parent are three things
//! to make durable; forgetting one of them loses the other two.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Puts `bytes` under `path`, replacing what was there: after a crash either the old file or the
/// new one is there, whole.
///
/// # Errors
/// Those of the file system, with the path in the message. A failed sync must not be retried:
/// the caller cannot know what is on disk.
pub fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = unfinished_name(path)?;
    let write = || {
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        Ok(file)
    };
    let file = write().map_err(|error| named("write", path, &error))?;
    rename_durably(&file, &unfinished, path)
}

/// Gives a file that was written as `unfinished` its name in the same folder: after a crash either what stood there before
/// or all of it is there.
///
/// # Errors
/// As [`write_durably`].
pub fn rename_durably(file: &File, unfinished: &Path, path: &Path) -> io::Result<()> {
    let renamed = file.sync_all().and_then(|()| fs::rename(unfinished, path));
    renamed.map_err(|error| named("write", path, &error))?;
    sync_folder(folder_of(path)?)
}

/// The name that a file has in its folder until it is whole.
///
/// # Errors
/// A path that names no file.
pub fn unfinished_name(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| {
        let message = format!("{} does not name a file", path.display());
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })?;
    let mut name = name.to_os_string();
    name.push(".unfinished");
    Ok(path.with_file_name(name))
}

/// Makes the names in a folder durable: creations, renames and removals.
///
/// # Errors
/// Those of the file system, with the path in the message.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| named("sync the folder", path, &error))
}

/// Makes a file's bytes and length durable.
///
/// # Errors
/// Those of the file system, with the path in the message.
pub fn sync_file(path: &Path) -> io::Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| named("sync", path, &error))
}

/// Creates a folder and all above it that are missing, each durable in its parent.
///
/// # Errors
/// Those of the file system, with the path in the message.
pub fn create_folder_durably(path: &Path) -> io::Result<()> {
    let parent = folder_of(path)?;
    if !path.is_dir() {
        if !parent.is_dir() {
            create_folder_durably(parent)?;
        }
        match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(named("create the folder", path, &error));
            }
            _ => {}
        }
    }
    // Synced even when the folder was there: an earlier start may have died between the two.
    sync_folder(path)?;
    sync_folder(parent)
}

/// Removes a file durably; one that is not there is fine.
///
/// # Errors
/// Those of the file system, with the path in the message.
pub fn remove_durably(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder(folder_of(path)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(named("remove", path, &error)),
    }
}

/// The folder a path stands in; a bare name stands in the current one.
fn folder_of(path: &Path) -> io::Result<&Path> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(parent) => Ok(parent),
        None if path.is_absolute() => Ok(path),
        None => Err(io::Error::new(io::ErrorKind::InvalidInput, "a path is empty: name a file or a folder")),
    }
}

/// The same kind of error, with what was tried and on which path.
pub fn named(action: &str, path: &Path, error: &io::Error) -> io::Error {
    let message = format!("cannot {action} {}: {error}", path.display());
    io::Error::new(error.kind(), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        write_durably(&path, b"one").unwrap();
        write_durably(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn folders_are_created_all_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        create_folder_durably(&deep).unwrap();
        create_folder_durably(&deep).unwrap();
        assert!(deep.is_dir());
    }

    #[test]
    fn an_error_names_the_path_and_keeps_its_kind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing/state");
        let error = write_durably(&path, b"one").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("missing/state"), "{error}");
    }

    #[test]
    fn removing_what_is_not_there_is_fine() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        write_durably(&path, b"one").unwrap();
        remove_durably(&path).unwrap();
        remove_durably(&path).unwrap();
        assert!(!path.exists());
    }
}
