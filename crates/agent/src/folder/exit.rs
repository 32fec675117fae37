//! From the mark that the action may have happened to the record of how it ended.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use baton_storage::codec::{self, Record};
use baton_storage::file::{sync_file, write_durably};
use serde::{Deserialize, Serialize};

use super::Folder;
use super::spare::write_over;
use crate::attempt::Report;

/// Which process supervises, known by more than its pid, and what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) boot: String,
    pub(crate) pid: i32,
    /// Clock ticks from the boot to its start.
    pub(crate) start_time: u64,
    /// The attempt's own cgroup, where one could be made.
    pub(crate) cgroup: Option<PathBuf>,
    /// The attempt. `None` where an older version wrote it: then it is that of its folder.
    pub(crate) token: Option<u64>,
}

/// As version 1 wrote it.
#[derive(Deserialize)]
struct WithoutToken {
    boot: String,
    pid: i32,
    start_time: u64,
    cgroup: Option<PathBuf>,
}

impl Record for Identity {
    const MAGIC: u8 = 0xa5;
    const VERSION: u16 = 2;

    fn upgrade(_: u16, body: &[u8]) -> Result<Self, codec::Error> {
        let WithoutToken { boot, pid, start_time, cgroup } = codec::decode_body(body)?;
        Ok(Identity { boot, pid, start_time, cgroup, token: None })
    }
}

impl Folder {
    /// `None` where it is missing or unreadable: then nobody is signalled by it.
    pub(crate) fn identity(&self) -> Option<Identity> {
        let places = [self.executing(), self.exit_path(), self.path.join("identity")];
        let records = places.iter().filter_map(|place| fs::read(place).ok());
        let mut marks = records.filter_map(|bytes| codec::decode_first(&bytes).ok()).map(|(mark, _)| mark);
        marks.find(|mark| self.is_marked_by(mark))
    }

    /// Says who supervises what, and that the action may have happened.
    pub(crate) fn mark_executing(&self, identity: &Identity) -> io::Result<()> {
        write_over(&self.executing(), &codec::encode(identity))
    }

    /// Writes the end. It is not durable yet.
    pub(crate) fn write_exit(&self, report: &Report) -> io::Result<()> {
        write_over(&self.exit_path(), &codec::encode(report))
    }

    /// Makes an end durable that was written and not synced.
    pub(crate) fn sync_exit(&self) -> io::Result<()> {
        match sync_file(&self.exit_path()) {
            // Somebody knows of it, and it is forgotten.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            synced => synced.and_then(|()| self.sync_names()),
        }
    }

    /// Writes the end durably, and as a new file: of one whose sync has failed nobody knows what it holds.
    pub(crate) fn replace_exit(&self, report: &Report) -> io::Result<()> {
        write_durably(&self.exit_path(), &codec::encode(report))?;
        self.sync_names()
    }

    pub(crate) fn exit(&self) -> Option<Report> {
        // An older version's supervisor writes it into the marker, and then gives that this name.
        let places = [self.exit_path(), self.executing(), self.exit_path()];
        places.iter().find_map(|place| fs::read(place).ok().and_then(|bytes| self.read_exit(&bytes)))
    }

    /// What longer ones have left may stand behind it.
    fn read_exit(&self, bytes: &[u8]) -> Option<Report> {
        let mark = codec::decode_first::<Identity>(bytes).map_or(0, |(_, length)| length);
        let end = Some(&bytes[mark..]).filter(|end| !end.is_empty())?;
        let read = codec::decode_first::<Report>(end).inspect_err(|error| {
            tracing::warn!(folder = %self.path.display(), %error, "unreadable exit record");
        });
        read.ok().map(|(report, _)| report).filter(|report| self.is_of(report.key.token))
    }

    /// Whether the action may have happened: what cannot be read counts as this attempt's mark.
    pub(super) fn is_marked(&self) -> bool {
        match fs::read(self.executing()) {
            Ok(bytes) => codec::decode_first(&bytes).map_or(true, |(mark, _)| self.is_marked_by(&mark)),
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
    }

    fn is_marked_by(&self, mark: &Identity) -> bool {
        mark.token.is_none_or(|token| self.is_of(token))
    }

    fn is_of(&self, token: u64) -> bool {
        self.path.file_name().is_some_and(|name| name == token.to_string().as_str())
    }

    pub(super) fn executing(&self) -> PathBuf {
        self.path.join("executing")
    }

    pub(super) fn exit_path(&self) -> PathBuf {
        self.path.join("exit")
    }
}
