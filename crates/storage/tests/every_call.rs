//! `kill -9` right before each call that changes a file, one call after the other, at the first start and at a later one:
//! what was acknowledged is there, and the next start goes on.

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use baton_storage::log::{Log, LogDisk, Recovered};
use support::{append, at, indexes, open, save_vote, vote};

const FOLDER: &str = "BATON_TEST_FOLDER";
/// Each is counted alone, thread by thread.
const CALLS: [&str; 10] = [
    "rename",
    "unlink",
    "mkdir",
    "write",
    "pwrite64",
    "ftruncate",
    "fallocate",
    "fsync",
    "fdatasync",
    "flock",
];

/// Leaves a line behind each acknowledgement. In one call, so that a death leaves whole lines.
fn tell(mut told: &File, what: &str, number: u64) {
    told.write_all(format!("{what} {number}\n").as_bytes()).unwrap();
}

/// The newest number that was told of this.
fn told(folder: &Path, what: &str) -> Option<u64> {
    let text = fs::read_to_string(folder.join("told")).unwrap_or_default();
    let mut numbers = text.lines().filter_map(|line| line.strip_prefix(what)?.trim().parse().ok());
    numbers.next_back()
}

/// From where a start finds itself on: entries and a vote, the newest entry given up for another, the oldest let go of.
fn live(folder: &Path) {
    let told = File::options().create(true).append(true).open(folder.join("told")).unwrap();
    let (log, found) = open(&folder.join("data")).unwrap();
    let (first, term) = (next(&found), found.vote.map_or(1, |vote| vote.term + 1));
    let add = |index| {
        append(&log, term, [index]);
        tell(&told, "entry", index);
    };
    save_vote(&log, vote(term, 1));
    tell(&told, "vote", term);
    (first..first + 4).for_each(add);
    tell(&told, "entry", first + 2);
    log.truncate_after(Some(at(term, first + 2))).unwrap();
    add(first + 3);
    log.purge(at(term, first + 1)).unwrap();
    add(first + 4);
}

fn next(found: &Recovered) -> u64 {
    let last = found.entries.last().map(|(position, _)| position.index);
    last.or(found.purged.map(|purged| purged.index)).map_or(0, |last| last + 1)
}

/// Runs under `strace`, started by the test below.
#[test]
#[ignore = "the half of the other test that dies"]
fn doomed() {
    if let Ok(folder) = std::env::var(FOLDER) {
        live(folder.as_ref());
    }
}

/// Lives once, up to the n-th such call. Says whether it came to the end.
fn survives(folder: &Path, call: &str, nth: usize) -> bool {
    let (trace, kill) = (format!("trace={call}"), format!("inject={call}:signal=KILL:when={nth}"));
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &kill])
        .arg(std::env::current_exe().unwrap());
    strace.args(["--exact", "doomed", "--ignored"]).env(FOLDER, folder);
    let ended = strace.output().unwrap();
    assert!(ended.status.success() || ended.status.code().is_none(), "before {call} {nth}: {ended:?}");
    ended.status.success()
}

fn goes_on(folder: &Path, context: &str) {
    let (log, found) = open(&folder.join("data")).unwrap_or_else(|error| panic!("{context}: {error}"));
    let known = indexes(&found);
    assert!(known.is_sorted());
    assert!(told(folder, "entry").is_none_or(|index| index < next(&found)), "{context}: an entry is gone");
    let term = found.vote.map(|vote| vote.term);
    assert!(told(folder, "vote") <= term, "{context}: the vote is gone");
    drop::<Log>(log);
    live(folder);
}

#[test]
fn what_was_acknowledged_is_there_whatever_call_is_the_last() {
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    if !traced.is_ok_and(|traced| traced.success()) {
        eprintln!(
            "skipped: strace is not installed or may trace nothing, so nobody was killed before a call"
        );
        return;
    }
    for lives in 0..2 {
        for call in CALLS {
            let mut nth = 1;
            loop {
                let folder = tempfile::tempdir().unwrap();
                (0..lives).for_each(|_| live(folder.path()));
                let survived = survives(folder.path(), call, nth);
                goes_on(folder.path(), &format!("before {call} {nth}, after {lives} lives"));
                if survived {
                    break;
                }
                nth += 1;
            }
            println!("after {lives} lives: {} deaths before {call}", nth - 1);
        }
    }
}
