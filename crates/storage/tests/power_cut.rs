//! Power cuts at random instants, of which each leaves a disk as it could have been: everything
//! that was acknowledged is there, or the start is refused. The same cuts under a device that
//! lies about its syncs do lose data, so the test can fail.

#[path = "support/disk.rs"]
mod disk;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use baton_storage::log::{Log, LogDisk};
use baton_storage::position::{Position, Vote};
use disk::Crash;
use support::{at, body, open, vote};

const FILES: [&str; 2] = ["log/db", "hard_state"];

/// One test at a time: the disk is the process's.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What has been promised so far.
#[derive(Debug, Clone, Default)]
struct Promised {
    /// Acknowledged entries, by index, with their terms.
    entries: BTreeMap<u64, u64>,
    /// The last vote that was acknowledged.
    vote: Option<Vote>,
    /// Entries up to here may be purged.
    purge: Option<u64>,
}

type Shared = Arc<Mutex<Promised>>;

/// Writes as raft does, with cuts on the way, and returns what each cut left with what had been
/// promised by then.
fn cuts(folder: &Path, lying: &[&str], seed: u64, one_in: usize, rounds: u64) -> Vec<(Crash, Promised)> {
    let (log, _) = open(folder).unwrap();
    let promised = Shared::default();
    let (sender, crashes) = channel();
    let at_cut = Arc::clone(&promised);
    disk::watch(folder, &FILES, lying, seed, one_in, move |crash| {
        sender.send((crash, at_cut.lock().unwrap().clone())).unwrap();
    });
    let mut writer = Writer { log, promised, term: 1, next: 0, random: fastrand::Rng::with_seed(seed) };
    for _ in 0..rounds {
        writer.round();
    }
    disk::unwatch();
    drop(writer);
    crashes.try_iter().collect()
}

struct Writer {
    log: Log,
    promised: Shared,
    term: u64,
    next: u64,
    random: fastrand::Rng,
}

impl Writer {
    fn round(&mut self) {
        let (acknowledged, waiting) = channel();
        for _ in 0..self.random.usize(1..20) {
            self.append(acknowledged.clone());
        }
        if self.random.u8(..8) == 0 {
            self.vote(acknowledged.clone());
        }
        drop(acknowledged);
        waiting.iter().for_each(drop);
        match self.random.u8(..10) {
            0 => self.truncate(),
            1..4 => self.purge(),
            _ => {}
        }
    }

    fn append(&mut self, acknowledged: Sender<()>) {
        let count = self.random.u64(1..12);
        let mut entries = Vec::new();
        for index in self.next..self.next + count {
            let longest = if self.random.u8(..20) == 0 { 9000 } else { 900 };
            let len = self.random.usize(..longest);
            entries.push((at(self.term, index), body(index + self.term, len)));
        }
        let (first, term) = (self.next, self.term);
        self.next += count;
        let promised = Arc::clone(&self.promised);
        let done = move |result: std::io::Result<()>| {
            result.unwrap();
            promised.lock().unwrap().entries.extend((first..first + count).map(|index| (index, term)));
            drop(acknowledged);
        };
        self.log.append(entries, Box::new(done)).unwrap();
    }

    fn vote(&mut self, acknowledged: Sender<()>) {
        self.term += 1;
        let (promised, vote) = (Arc::clone(&self.promised), vote(self.term, 2));
        let done = move |result: std::io::Result<()>| {
            result.unwrap();
            promised.lock().unwrap().vote = Some(vote);
            drop(acknowledged);
        };
        self.log.save_vote(vote, Box::new(done)).unwrap();
    }

    fn truncate(&mut self) {
        let Some((last, _)) = self.promised.lock().unwrap().entries.iter().next_back().map(|(i, t)| (*i, *t))
        else {
            return;
        };
        let keep = last.saturating_sub(self.random.u64(1..40));
        let Some(term) = self.promised.lock().unwrap().entries.get(&keep).copied() else {
            return;
        };
        // From here on nobody counts on them.
        self.promised.lock().unwrap().entries.split_off(&(keep + 1));
        self.log.truncate_after(Some(at(term, keep))).unwrap();
        self.next = keep + 1;
    }

    fn purge(&mut self) {
        let entries = self.promised.lock().unwrap().entries.clone();
        let kept = self.random.usize(5..400);
        let Some((index, term)) = entries.into_iter().rev().nth(kept) else {
            return;
        };
        let mut promised = self.promised.lock().unwrap();
        promised.entries = promised.entries.split_off(&(index + 1));
        promised.purge = Some(index);
        drop(promised);
        self.log.purge(Position { term, index }).unwrap();
    }
}

/// Opens what a cut left, and says what is missing.
fn missing(base: &Path, crash: &Crash, promised: &Promised) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    lay_out(base, folder.path(), crash);
    let (_log, found) = open(folder.path()).map_err(|error| error.to_string())?;
    let there: BTreeMap<u64, u64> = found.entries.iter().map(|(at, _)| (at.index, at.term)).collect();
    for (index, term) in &promised.entries {
        if there.get(index) != Some(term) {
            return Err(format!("entry {index} of term {term} is not there"));
        }
    }
    for (at, bytes) in &found.entries {
        if *bytes != body(at.index + at.term, bytes.len()) {
            return Err(format!("entry {at} has other bytes"));
        }
    }
    if found.purged.map(|at| at.index) > promised.purge {
        return Err(format!("{:?} were purged, {:?} were allowed", found.purged, promised.purge));
    }
    match (promised.vote, found.vote) {
        (Some(cast), Some(kept)) if kept == cast || kept.is_after(&cast) => Ok(()),
        (None, _) => Ok(()),
        (cast, kept) => Err(format!("the vote was {cast:?} and is {kept:?}")),
    }
}

/// The folder as it was when the watch began, with the watched files as the cut left them.
fn lay_out(base: &Path, folder: &Path, crash: &Crash) {
    fs::create_dir_all(folder.join("log/blobs")).unwrap();
    for entry in fs::read_dir(base.join("log")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() && entry.file_name() != "ballast" {
            fs::copy(entry.path(), folder.join("log").join(entry.file_name())).unwrap();
        }
    }
    for (name, bytes) in &crash.files {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// The files that are not watched, as they stand before the first write.
fn base() -> (tempfile::TempDir, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let base = tempfile::tempdir().unwrap();
    fs::create_dir_all(base.path().join("log")).unwrap();
    (folder, base)
}

fn remember(folder: &Path, base: &Path) {
    for entry in fs::read_dir(folder.join("log")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() && entry.file_name() != "ballast" {
            fs::copy(entry.path(), base.join("log").join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|broken| broken.into_inner());
    let mut tried = 0;
    for seed in 0..3 {
        let (folder, base) = base();
        remember(folder.path(), base.path());
        for (crash, promised) in cuts(folder.path(), &[], seed, 120, 120) {
            if let Err(lost) = missing(base.path(), &crash, &promised) {
                panic!("seed {seed}, cut {tried} ({:?}): {lost}", crash.tear);
            }
            tried += 1;
        }
    }
    assert!(tried >= 20, "only {tried} cuts");
}

#[test]
fn a_cut_while_starting_again_loses_nothing_either() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|broken| broken.into_inner());
    let (folder, base) = base();
    remember(folder.path(), base.path());
    let mut tried = 0;
    for (crash, promised) in cuts(folder.path(), &[], 11, 200, 60) {
        let second = tempfile::tempdir().unwrap();
        lay_out(base.path(), second.path(), &crash);
        let (sender, crashes) = channel();
        disk::watch(second.path(), &FILES, &[], 11, 2, move |crash| sender.send(crash).unwrap());
        drop(open(second.path()).unwrap());
        disk::unwatch();
        for again in crashes.try_iter().take(3) {
            if let Err(lost) = missing(base.path(), &again, &promised) {
                panic!("cut {tried} ({:?}): {lost}", again.tear);
            }
            tried += 1;
        }
    }
    assert!(tried > 5, "only {tried} cuts");
}

#[test]
fn a_device_that_lies_is_found_out_by_the_same_cuts() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|broken| broken.into_inner());
    let (folder, base) = base();
    remember(folder.path(), base.path());
    let found = cuts(folder.path(), &["log/db"], 3, 120, 60);
    let lost = found.iter().find(|(crash, promised)| missing(base.path(), crash, promised).is_err());
    assert!(lost.is_some(), "no cut of {} lost anything: the cuts prove nothing", found.len());
}

/// After a failed sync nobody knows what is on the disk: it is not tried again, and nothing more
/// is acknowledged.
#[test]
fn a_failed_sync_is_the_end() {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(|broken| broken.into_inner());
    let folder = tempfile::tempdir().unwrap();
    let (failure, failures) = channel();
    let hook = Arc::new(move |error: &std::io::Error| failure.send(error.to_string()).unwrap());
    let (log, _) = Log::open(folder.path(), 1, hook).unwrap();
    support::append(&log, 1, 0..3);
    disk::watch(folder.path(), &FILES, &[], 1, usize::MAX, |_| ());
    disk::fail_syncs();
    let (done, answered) = support::done();
    log.append(vec![(at(1, 3), body(3, 10))], done).unwrap();
    assert!(answered.recv().unwrap().is_err());
    let tried = disk::failed_syncs();
    assert_eq!(failures.try_iter().count(), 1);
    for index in 4..8 {
        let (done, answered) = support::done();
        if log.append(vec![(at(1, index), body(index, 10))], done).is_ok() {
            assert!(answered.recv().unwrap().is_err());
        }
    }
    assert_eq!(disk::failed_syncs(), tried, "the sync was tried again");
    disk::unwatch();
}
