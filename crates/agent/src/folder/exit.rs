//! From the mark that the action may have happened to the record of how it ended.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use baton_storage::codec::{self, Record};
use baton_storage::file::{sync_file, write_durably};
use serde::{Deserialize, Serialize};

use super::Folder;
use super::spare::overwrite;
use crate::attempt::Report;

/// Which process supervises, known by more than its pid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) boot: String,
    pub(crate) pid: i32,
    /// Clock ticks from the boot to its start.
    pub(crate) start_time: u64,
    /// The attempt's own cgroup, where one could be made.
    pub(crate) cgroup: Option<PathBuf>,
}

impl Record for Identity {
    const MAGIC: u8 = 0xa5;
    const VERSION: u16 = 1;
}

impl Folder {
    /// `None` where it is missing or unreadable: then nobody is signalled by it.
    pub(crate) fn identity(&self) -> Option<Identity> {
        let places = [self.exit_path(), self.executing(), self.path.join("identity")];
        let mut records = places.iter().filter_map(|place| fs::read(place).ok());
        records.find_map(|bytes| codec::decode_first(&bytes).ok()).map(|(identity, _)| identity)
    }

    /// Says who supervises, and that the action may have happened.
    pub(crate) fn mark_executing(&self, identity: &Identity) -> io::Result<Marker> {
        let bytes = codec::encode(identity);
        let file = match overwrite(&self.blank(), &bytes) {
            Ok(file) => {
                fs::rename(self.blank(), self.executing())?;
                file
            }
            Err(_) => {
                let mut file = File::create(self.executing())?;
                file.write_all(&bytes)?;
                file
            }
        };
        Ok(Marker { file, folder: self.clone() })
    }

    /// Writes the end where there is no marker, or what was written into it is not known to be; durably.
    pub(crate) fn write_exit(&self, report: &Report) -> io::Result<()> {
        write_durably(&self.exit_path(), &codec::encode(report))?;
        self.sync_names()
    }

    /// Makes an end durable that was written and not synced.
    pub(crate) fn sync_exit(&self) -> io::Result<()> {
        match sync_file(&self.exit_path()) {
            // Somebody knows of it, and it is forgotten.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            synced => synced.and_then(|()| self.sync_names()),
        }
    }

    pub(crate) fn exit(&self) -> Option<Report> {
        // It may take its name between two looks.
        let places = [self.exit_path(), self.executing(), self.exit_path()];
        let bytes = places.iter().find_map(|place| fs::read(place).ok())?;
        let whose = codec::decode_first::<Identity>(&bytes).map_or(0, |(_, length)| length);
        // A marker ends here as long as nothing is known of the end.
        let end = Some(&bytes[whose..]).filter(|end| !end.is_empty())?;
        let read = codec::decode(end).inspect_err(|error| {
            tracing::warn!(folder = %self.path.display(), %error, "unreadable exit record");
        });
        read.ok().filter(|report: &Report| self.is_of(report.key.token))
    }

    fn is_of(&self, token: u64) -> bool {
        self.path.file_name().is_some_and(|name| name == token.to_string().as_str())
    }

    pub(super) fn blank(&self) -> PathBuf {
        self.path.join("blank")
    }

    pub(super) fn executing(&self) -> PathBuf {
        self.path.join("executing")
    }

    pub(super) fn exit_path(&self) -> PathBuf {
        self.path.join("exit")
    }
}

/// The marker in the hand of who wrote it.
#[derive(Debug)]
pub(crate) struct Marker {
    file: File,
    folder: Folder,
}

impl Marker {
    /// Writes the end into it, and gives it its name. It is not durable yet.
    pub(crate) fn turn_into_exit(&mut self, report: &Report) -> io::Result<()> {
        self.file.write_all(&codec::encode(report))?;
        fs::rename(self.folder.executing(), self.folder.exit_path())
    }
}
