//! `attempts/TOKEN/`: what an agent and the supervisor of one attempt say to each other, in
//! files, so that either may die at any moment.
//!
//! | file | written by | says |
//! |---|---|---|
//! | `assignment` | agent | what to do; locked as long as the supervisor may act: the only proof that it is alive |
//! | `executing` | supervisor | which process it is, its cgroup, and for which attempt: from here on the action may have happened |
//! | `output` | the step | `key=value` lines |
//! | `exit` | supervisor | how it ended |
//! | `stop` | agent | end it, and why |
//! | `log` | supervisor | why it could not do its work |
//! | `tombstone` | agent, durable | it never started and never will |
//!
//! The dead are told apart by what the kernel holds for whoever comes next; a power cut is told by the journal: what it
//! calls started may have acted. So only the end needs the disk, and an agent that hears of it has it in its journal
//! before anybody else hears of it: the supervisor syncs it where no agent does.
//!
//! An ended attempt's folder goes over to a later one with these files, as new ones cost much of what an attempt costs. So
//! a mark and an end count only where they say whose they are (what is older than `assignment` is another's), and behind a
//! record may stand what longer ones have left.
//!
//! Older versions locked a file `lock`, kept who supervises in `identity`, or wrote the end into `executing` and renamed
//! that to `exit`.

mod exit;
mod lock;
mod spare;

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use baton_storage::codec;
use baton_storage::file::{create_folder_durably, sync_folder, write_durably};
use baton_storage::sabotage::{self, Bug};

use crate::attempt::Assignment;
use crate::ledger::Seen;
use crate::process::Process;

pub(crate) use exit::Identity;

/// What this attempt's folder says of it to somebody who leaves its lock alone.
pub fn seen(folder: &Path) -> Seen {
    Folder::at(folder).seen_unlocked()
}

/// In the order in which a forgotten folder loses them. What says that the attempt acted goes before what says whose it
/// was: an agent killed in between would find an attempt that acted and is nobody's, and take its journal for cut.
const GONE_FIRST: [&str; 4] = ["executing", "exit", "output", "assignment"];

/// An attempt's folder. Nothing in it need exist.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn at(path: &Path) -> Folder {
        let path = path.to_owned();
        Folder { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The agent's data folder, two floors up.
    pub(crate) fn home(&self) -> Option<&Path> {
        self.path.parent()?.parent()
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.path.join("output")
    }

    /// Makes the folder. What is made durable in it later makes the folder's own name durable with it.
    pub(crate) fn create(&self) -> io::Result<()> {
        match fs::create_dir(&self.path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => create_folder_durably(&self.path),
            made => made,
        }
    }

    /// Makes the names in the folder durable, and its own.
    fn sync_names(&self) -> io::Result<()> {
        sync_folder(&self.path)?;
        self.path.parent().map_or(Ok(()), sync_folder)
    }

    /// Removes all of it: what is there as a rule by its name, and a folder with more than that as a folder.
    pub(crate) fn remove(&self) -> io::Result<()> {
        for name in GONE_FIRST {
            // Whatever is not there, or cannot go, the folder itself will tell.
            let _ = fs::remove_file(self.path.join(name));
        }
        let removed = fs::remove_dir(&self.path).or_else(|error| match error.kind() {
            ErrorKind::DirectoryNotEmpty => fs::remove_dir_all(&self.path),
            _ => Err(error),
        });
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Where the supervisor's own words go.
    pub(crate) fn create_log(&self) -> io::Result<File> {
        File::create(self.path.join("log"))
    }

    /// Says why the supervisor cannot do its work.
    pub(crate) fn say(&self, words: &str) {
        // Where even this cannot be written, the reason is lost, and not what it means.
        let _ = self.create_log().and_then(|mut log| log.write_all(words.as_bytes()));
    }

    /// What the supervisor said, if anything, bounded.
    pub(crate) fn log(&self) -> Option<String> {
        let mut bytes = Vec::new();
        File::open(self.path.join("log")).ok()?.take(500).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    pub(crate) fn assignment(&self) -> io::Result<Assignment> {
        Self::assignment_in(&mut File::open(self.path.join("assignment"))?)
    }

    /// The assignment in this file, which is read from where it stands.
    pub(crate) fn assignment_in(file: &mut impl Read) -> io::Result<Assignment> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        codec::decode_first(&bytes).map(|(assignment, _)| assignment).map_err(io::Error::other)
    }

    /// Says durably that the attempt is over.
    pub(crate) fn bury(&self) -> io::Result<()> {
        write_durably(&self.path.join("tombstone"), b"")?;
        self.sync_names()
    }

    pub(crate) fn buried(&self) -> bool {
        self.path.join("tombstone").exists()
    }

    pub(crate) fn write_stop(&self, reason: &str) -> io::Result<()> {
        let draft = self.path.join("stop.new");
        fs::write(&draft, reason)?;
        fs::rename(draft, self.path.join("stop"))
    }

    pub(crate) fn stop(&self) -> Option<String> {
        fs::read_to_string(self.path.join("stop")).ok()
    }

    /// What the folder shows.
    pub(crate) fn seen(&self) -> io::Result<Seen> {
        if !self.path.exists() {
            return Ok(Seen::default());
        }
        // The lock first: an exit record written between the two looks is then still seen.
        let locked = match sabotage::planted(Bug::AdoptByPid) {
            true => self.identity().is_some_and(|identity| Process::find(identity.pid).is_some()),
            false => self.try_lock()?.is_none(),
        };
        Ok(Seen { locked, ..self.seen_unlocked() })
    }

    /// What the folder shows to whoever holds its lock.
    pub(crate) fn seen_unlocked(&self) -> Seen {
        let exit = self.exit();
        Seen { locked: false, executing: exit.is_some() || self.is_marked(), exit }
    }
}
