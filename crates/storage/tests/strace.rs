//! What the kernel sees: between the write of an entry and its acknowledgement stands a sync of
//! the database; where a vote is acknowledged, one of the hard state as well.

mod support;

use std::io::Write;
use std::process::Command;

use support::{append, open, save_vote, vote};

const FOLDER: &str = "BATON_TEST_FOLDER";
const ENTRIES: u64 = 5;

/// Runs under `strace`, started by the test below.
#[test]
#[ignore = "the traced half of the other test"]
fn traced() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let (log, _) = open(folder.as_ref()).unwrap();
    for index in 0..ENTRIES {
        say(&format!("asking {index}\n"));
        append(&log, 1, index..index + 1);
        say(&format!("acknowledged {index}\n"));
        // In a pause after an append the hard state catches up, which nobody waits for: with a vote it has.
        save_vote(&log, vote(2 + 2 * index, 1));
        say(&format!("asking for vote {index}\n"));
        save_vote(&log, vote(3 + 2 * index, 1));
        say(&format!("acknowledged vote {index}\n"));
    }
}

/// In one system call, which `eprintln!` does not promise.
fn say(line: &str) {
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

#[test]
fn a_sync_stands_between_the_write_and_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let calls = "trace=write,pwrite64,fsync,fdatasync,sync_file_range";
    let traced = Command::new("strace")
        .args(["-f", "-y", "-e", calls, "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "traced", "--ignored", "--nocapture"])
        .env(FOLDER, folder.path().join("data"))
        .output();
    let Ok(traced) = traced else {
        eprintln!("skipped: strace is not installed, so what the kernel sees was not looked at");
        return;
    };
    let said = String::from_utf8_lossy(&traced.stderr);
    if said.contains("ptrace") {
        eprintln!("skipped: this system lets no process be traced ({})", said.trim());
        return;
    }
    assert!(traced.status.success(), "{said}");
    let trace = std::fs::read_to_string(trace).unwrap();
    assert!(!trace.contains("sync_file_range("), "sled's own call has not been replaced");
    for index in 0..ENTRIES {
        let entry = between(&trace, &format!("asking {index}"), &format!("acknowledged {index}"));
        assert_eq!(steps(entry)[..2], ["write db", "sync db"]);
        let vote =
            between(&trace, &format!("asking for vote {index}"), &format!("acknowledged vote {index}"));
        assert_eq!(steps(vote), ["write db", "sync db", "write hard_state", "sync hard_state"]);
    }
}

fn between<'a>(trace: &'a str, from: &str, to: &str) -> &'a str {
    let start = trace.find(from).expect(from);
    let length = trace[start..].find(to).expect(to);
    &trace[start..start + length]
}

/// The calls on the two files, in the order in which they came back.
fn steps(trace: &str) -> Vec<String> {
    let mut steps = Vec::new();
    for line in trace.lines() {
        let action = match line {
            line if line.contains("pwrite64(") => "write",
            line if line.contains("fdatasync(") => "sync",
            _ => continue,
        };
        for (path, file) in [("/log/db>", "db"), ("/hard_state>", "hard_state")] {
            if line.contains(path) {
                steps.push(format!("{action} {file}"));
            }
        }
    }
    steps
}
