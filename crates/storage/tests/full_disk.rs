//! A disk that fills up: writes fail with a sentence, nothing acknowledged is lost, and the log
//! opens again on the full disk with the room that was kept aside.

mod support;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use baton_storage::ballast;
use baton_storage::log::{Log, LogDisk};
use support::{at, body, indexes};

const FOLDER: &str = "BATON_TEST_FOLDER";

/// Runs on a small disk of its own, started by the test below.
#[test]
#[ignore = "the half of the other test that needs a small disk"]
fn on_a_small_disk() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let acknowledged = fill(folder);
    assert!(acknowledged > 10, "only {acknowledged} entries fitted");
    // Something else takes what the log's own ballast has not kept.
    let rest = vec![0; 64 << 20];
    let _ = std::fs::write(folder.join("rest"), rest);

    let (log, found) = Log::open(&folder.join("data"), 1, Arc::new(|_| ())).unwrap();
    assert!(indexes(&found).len() as u64 >= acknowledged, "{acknowledged} were acknowledged");
    assert!(log.free_bytes().unwrap() < ballast::LOW_BYTES);
    drop(log);

    std::fs::remove_file(folder.join("rest")).unwrap();
    let (log, found) = Log::open(&folder.join("data"), 1, Arc::new(|_| ())).unwrap();
    let next = indexes(&found).len() as u64;
    support::append(&log, 1, next..next + 1);
}

/// Appends until the disk is full, and returns how many entries were acknowledged.
fn fill(folder: &Path) -> u64 {
    let failed = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(Mutex::new(0));
    let on_failure = Arc::clone(&failed);
    let hook = Arc::new(move |_: &std::io::Error| on_failure.store(true, Ordering::SeqCst));
    let (log, _) = Log::open(&folder.join("data"), 1, hook).unwrap();
    for index in 0.. {
        let (answer, answered) = std::sync::mpsc::channel();
        let count = Arc::clone(&acknowledged);
        let done = Box::new(move |result: std::io::Result<()>| {
            if result.is_ok() {
                *count.lock().unwrap() = index + 1;
            }
            answer.send(result.is_ok()).unwrap();
        });
        let appended = log.append(vec![(at(1, index), body(index, 60_000))], done);
        if appended.is_err() || !answered.recv().unwrap() {
            break;
        }
    }
    assert!(failed.load(Ordering::SeqCst), "the failure was not reported");
    *acknowledged.lock().unwrap()
}

#[test]
fn a_full_disk_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let exe = std::env::current_exe().unwrap();
    // A file system in memory that only this command and its children see.
    let script = format!(
        "mount -t tmpfs -o size=40m none '{0}' && exec '{1}' --exact on_a_small_disk --ignored --nocapture",
        folder.path().display(),
        exe.display()
    );
    let run = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .env(FOLDER, folder.path())
        .output();
    let run = match run {
        Ok(run) => run,
        Err(_) => return eprintln!("skipped: there is no `unshare` to make a small disk with"),
    };
    let said = String::from_utf8_lossy(&run.stderr) + String::from_utf8_lossy(&run.stdout);
    if said.contains("unshare:") || said.contains("mount:") {
        return eprintln!("skipped: this system lets nobody make a small disk ({})", said.trim());
    }
    assert!(run.status.success(), "{said}");
}
