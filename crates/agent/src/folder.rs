//! `attempts/TOKEN/`: what an agent and the supervisor of one attempt say to each other, in
//! files, so that either may die at any moment.
//!
//! | file | written by | says |
//! |---|---|---|
//! | `assignment` | agent | what to do; locked as long as the supervisor may act: the only proof that it is alive |
//! | `executing` | supervisor | which process it is, and its cgroup: from here on the action may have happened |
//! | `output` | the step | `key=value` lines |
//! | `exit` | supervisor | how it ended, behind what `executing` said |
//! | `blank` | | an earlier attempt's `exit`, to be written over: it says nothing |
//! | `stop` | agent | end it, and why |
//! | `log` | supervisor | why it could not do its work |
//! | `tombstone` | agent, durable | it never started and never will |
//!
//! The dead are told apart by what the kernel holds for whoever comes next; a power cut is told by the journal: what it
//! calls started may have acted. So only the end needs the disk, and an agent that hears of it has it in its journal
//! before anybody else hears of it: the supervisor syncs it where no agent does.
//!
//! An ended attempt's folder goes over to a later one, as new files cost much of what an attempt costs. After a power cut
//! it may hold what it held for an earlier one: an end counts only where it says whose it is.
//!
//! Older versions locked a file `lock`, kept who supervises in `identity`, and wrote the end alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use baton_storage::codec::{self, Record};
use baton_storage::file::{create_folder_durably, sync_file, sync_folder, write_durably};
use baton_storage::sabotage::{self, Bug};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::attempt::{Assignment, Report};
use crate::ledger::Seen;
use crate::process::Process;

/// An attempt's folder. Nothing in it need exist.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
}

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

    /// Leaves the folder to a later attempt, under a name that is none; or says that it holds what it should not.
    pub(crate) fn leave_as(&self, spare: &Folder) -> io::Result<bool> {
        let _ = fs::remove_file(self.output());
        for entry in fs::read_dir(&self.path)? {
            if !matches!(entry?.file_name().as_encoded_bytes(), b"assignment" | b"exit") {
                return Ok(false);
            }
        }
        fs::rename(self.exit_path(), self.blank())?;
        fs::rename(&self.path, &spare.path)?;
        Ok(true)
    }

    /// [`Folder::create`] and [`Folder::hand_out`] with a folder that an earlier attempt has left.
    pub(crate) fn take_over(&self, spare: &Folder, assignment: &Assignment) -> io::Result<File> {
        let file = overwrite(&spare.path.join("assignment"), &codec::encode(assignment))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        // Not where something has been said of the attempt already, such as to stop it.
        fs::rename(&spare.path, &self.path)?;
        Ok(file)
    }

    /// Removes all of it: what is there as a rule by its name, and a folder with more than that as a folder.
    pub(crate) fn remove(&self) -> io::Result<()> {
        for name in ["assignment", "exit", "output"] {
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

    /// Writes what to do, and gives back the lock under which it is done.
    pub(crate) fn hand_out(&self, assignment: &Assignment) -> io::Result<File> {
        let taken = || io::Error::other("somebody else keeps the attempt");
        let mut file = self.try_lock()?.ok_or_else(taken)?;
        file.write_all(&codec::encode(assignment))?;
        Ok(file)
    }

    pub(crate) fn assignment(&self) -> io::Result<Assignment> {
        let bytes = fs::read(self.path.join("assignment"))?;
        codec::decode(&bytes).map_err(io::Error::other)
    }

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

    fn blank(&self) -> PathBuf {
        self.path.join("blank")
    }

    fn executing(&self) -> PathBuf {
        self.path.join("executing")
    }

    fn exit_path(&self) -> PathBuf {
        self.path.join("exit")
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
        Seen { locked: false, executing: self.executing().exists(), exit: self.exit() }
    }
}

/// Writes over a plain file that is there.
fn overwrite(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    Ok(file)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{Action, Call, Key, Outcome};
    use crate::lease::Deadline;

    fn key() -> Key {
        Key { run: "r".into(), step: "s".into(), attempt: 2, token: 300 }
    }

    fn named(place: &tempfile::TempDir, token: u64) -> Folder {
        let folder = Folder::at(&place.path().join(token.to_string()));
        folder.create().unwrap();
        folder
    }

    fn assignment(action: Action) -> Assignment {
        Assignment {
            key: key(),
            probe: false,
            idempotent: true,
            action,
            environment: [("K".to_owned(), "v".to_owned())].into(),
            timeout_ms: 1000,
        }
    }

    fn native() -> Call {
        Call::Native { kind: "http".into(), asked: "{}".into() }
    }

    fn secretive() -> Call {
        Call::Process { argv: vec!["a".into()], secrets: [("K".to_owned(), "env:V".to_owned())].into() }
    }

    /// A supervisor may be read by a newer agent: these bytes must stay readable.
    #[test]
    fn golden_bytes() {
        let until = vec!["b".into()];
        let records = [
            codec::encode(&assignment(Action::Command(vec!["a".into()]))),
            codec::encode(&assignment(Action::Noop)),
            codec::encode(&assignment(Action::Wait { until, interval_ms: 5 })),
            codec::encode(&assignment(Action::Call(native()))),
            codec::encode(&assignment(Action::Until { question: secretive(), interval_ms: 5, stable_ms: 6 })),
            codec::encode(&Report::bare(key(), Outcome::NotStarted, "late")),
            codec::encode(&Identity {
                boot: "b1".into(),
                pid: 42,
                start_time: 991,
                cgroup: Some("/c".into()),
            }),
            codec::encode(&Deadline { boot: "b1".into(), until_ns: 70_000 }),
        ];
        let hex = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let played: Vec<String> = records.iter().map(hex).collect();
        assert_eq!(played.join("\n") + "\n", include_str!("folder_golden.txt"));
    }

    #[test]
    fn the_lock_tells_who_is_alive() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(temporary.path());
        assert_eq!(folder.seen().unwrap(), Seen::default());
        let lock = folder.try_lock().unwrap().unwrap();
        assert!(folder.seen().unwrap().locked);
        assert!(folder.try_lock().unwrap().is_none());
        drop(lock);
        assert!(!folder.seen().unwrap().locked);
    }

    #[test]
    fn a_damaged_exit_record_is_none() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = named(&temporary, 300);
        folder.write_exit(&Report::bare(key(), Outcome::Succeeded, "")).unwrap();
        assert!(folder.exit().is_some());
        let path = folder.exit_path();
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(folder.exit().is_none());
    }

    #[test]
    fn a_marker_says_who_until_it_says_how_it_ended() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = named(&temporary, 300);
        let identity = Identity { boot: "b1".into(), pid: 42, start_time: 991, cgroup: None };
        let mut marker = folder.mark_executing(&identity).unwrap();
        assert_eq!((folder.identity(), folder.exit()), (Some(identity.clone()), None));
        assert!(folder.seen_unlocked().executing);
        let report = Report::bare(key(), Outcome::Succeeded, "");
        marker.turn_into_exit(&report).unwrap();
        folder.sync_exit().unwrap();
        assert_eq!((folder.identity(), folder.exit()), (Some(identity), Some(report)));
        folder.remove().unwrap();
        folder.sync_exit().unwrap();
    }

    #[test]
    fn a_folder_goes_over_with_nothing_said_in_it() {
        let temporary = tempfile::tempdir().unwrap();
        let (first, next) = (named(&temporary, 300), Folder::at(&temporary.path().join("301")));
        let spare = Folder::at(&temporary.path().join("spare"));
        let identity = |pid| Identity { boot: "b1".into(), pid, start_time: 991, cgroup: None };
        let report = |token, reason: &str| Report::bare(Key { token, ..key() }, Outcome::Succeeded, reason);
        drop(
            first.hand_out(&assignment(Action::Wait { until: vec!["long".into()], interval_ms: 5 })).unwrap(),
        );
        first.mark_executing(&identity(42)).unwrap().turn_into_exit(&report(300, "a long reason")).unwrap();
        fs::write(first.output(), "a=b").unwrap();
        assert!(first.leave_as(&spare).unwrap() && !first.path.exists());
        let lock = next.take_over(&spare, &assignment(Action::Noop)).unwrap();
        assert_eq!(next.seen().unwrap(), Seen { locked: true, ..Seen::default() });
        assert_eq!((next.assignment().unwrap().action, next.identity()), (Action::Noop, None));
        drop(lock);
        let mut marker = next.mark_executing(&identity(7)).unwrap();
        assert_eq!((next.identity(), next.exit()), (Some(identity(7)), None));
        marker.turn_into_exit(&report(301, "")).unwrap();
        assert_eq!(next.exit(), Some(report(301, "")));
        next.write_stop("late").unwrap();
        assert!(!next.leave_as(&spare).unwrap(), "it holds more than it should");
    }

    /// What a power cut may leave of an earlier attempt in a later one's folder.
    #[test]
    fn another_attempt_s_end_is_none() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = named(&temporary, 301);
        folder.write_exit(&Report::bare(key(), Outcome::Succeeded, "")).unwrap();
        assert_eq!(folder.exit(), None);
    }

    /// The supervisors of an older version live on under a newer agent.
    #[test]
    fn an_older_version_s_folder_is_understood() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = named(&temporary, 300);
        let lock = File::create(folder.path.join("lock")).unwrap();
        flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
        fs::write(folder.path.join("assignment"), codec::encode(&assignment(Action::Noop))).unwrap();
        fs::write(folder.path.join("executing"), b"").unwrap();
        let identity = Identity { boot: "b1".into(), pid: 42, start_time: 991, cgroup: None };
        fs::write(folder.path.join("identity"), codec::encode(&identity)).unwrap();
        assert_eq!(folder.seen().unwrap(), Seen { locked: true, executing: true, exit: None });
        assert_eq!(folder.identity(), Some(identity));
        let report = Report::bare(key(), Outcome::Succeeded, "");
        fs::write(folder.path.join("executing"), codec::encode(&report)).unwrap();
        assert_eq!(folder.exit(), Some(report));
        drop(lock);
        folder.remove().unwrap();
        assert!(!folder.path.exists());
    }
}
