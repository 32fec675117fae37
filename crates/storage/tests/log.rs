//! The log survives what it must, and refuses what it must not go on from.

mod support;

use std::fs;
use std::path::Path;

use baton_storage::log::{Log, LogDisk, OpenError};
use support::{append, at, body, done, indexes, open, save_vote, vote};

fn sentence(result: Result<(Log, baton_storage::log::Recovered), OpenError>) -> String {
    result.err().expect("it must be refused").to_string()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn entries_vote_and_identity_are_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let (log, fresh) = open(folder.path()).unwrap();
    assert_eq!(fresh.entries, []);
    assert_eq!(fresh.identity.incarnation.len(), 32);
    append(&log, 1, 0..5);
    save_vote(&log, vote(2, 3));
    log.join_cluster("c1").unwrap();
    log.note_committed(Some(at(1, 3)));
    append(&log, 2, 5..8);
    drop(log);

    let (_log, again) = open(folder.path()).unwrap();
    assert_eq!(again.identity, fresh.identity);
    assert_eq!(again.cluster, "c1");
    assert_eq!(again.vote, Some(vote(2, 3)));
    assert_eq!(again.committed, Some(at(1, 3)));
    assert_eq!(indexes(&again), (0..8).collect::<Vec<_>>());
    assert_eq!(again.entries[7].0, at(2, 7));
}

#[test]
fn many_waiting_callbacks_are_answered_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path()).unwrap();
    let (sender, answers) = std::sync::mpsc::channel();
    for index in 0..500 {
        let sender = sender.clone();
        let done = Box::new(move |result: std::io::Result<()>| {
            result.unwrap();
            sender.send(index).unwrap();
        });
        log.append(vec![(at(1, index), body(index, 50))], done).unwrap();
    }
    drop(sender);
    assert_eq!(answers.iter().collect::<Vec<_>>(), (0..500).collect::<Vec<_>>());
}

#[test]
fn a_large_entry_is_split_and_no_blob_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path()).unwrap();
    for (index, len) in [(0, 1_000_000), (1, 4096), (2, 4097), (3, 0)] {
        let (done, answered) = done();
        log.append(vec![(at(1, index), body(index, len))], done).unwrap();
        answered.recv().unwrap().unwrap();
    }
    log.size_bytes().unwrap();
    drop(log);
    let (_log, again) = open(folder.path()).unwrap();
    assert_eq!(indexes(&again), [0, 1, 2, 3]);
    assert_eq!(again.entries[0].1.len(), 1_000_000);
}

#[test]
fn truncated_entries_stay_gone_and_others_take_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path()).unwrap();
    append(&log, 1, 0..10);
    log.truncate_after(Some(at(1, 3))).unwrap();
    drop(log);
    let (log, again) = open(folder.path()).unwrap();
    assert_eq!(indexes(&again), [0, 1, 2, 3]);
    append(&log, 2, 4..6);
    log.truncate_after(None).unwrap();
    append(&log, 3, 0..2);
    drop(log);
    let (_log, again) = open(folder.path()).unwrap();
    assert_eq!(again.entries.last().unwrap().0, at(3, 1));
    assert_eq!(again.entries.len(), 2);
}

#[test]
fn purged_entries_stay_gone_also_beyond_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path()).unwrap();
    append(&log, 1, 0..1000);
    log.purge(at(1, 899)).unwrap();
    append(&log, 1, 1000..1001);
    drop(log);
    let (log, again) = open(folder.path()).unwrap();
    assert_eq!(again.purged, Some(at(1, 899)));
    assert_eq!(indexes(&again), (900..1001).collect::<Vec<_>>());

    // A snapshot from the leader that is ahead of all that this member has.
    log.purge(at(4, 5000)).unwrap();
    append(&log, 4, 5001..5003);
    log.truncate_after(Some(at(4, 5000))).unwrap();
    append(&log, 5, 5001..5002);
    drop(log);
    let (_log, again) = open(folder.path()).unwrap();
    assert_eq!(again.purged, Some(at(4, 5000)));
    assert_eq!(indexes(&again), [5001]);
}

#[test]
fn a_gap_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path()).unwrap();
    append(&log, 1, 0..2);
    let (done, _answered) = done();
    let error = log.append(vec![(at(1, 3), vec![])], done).unwrap_err();
    assert_eq!(error.to_string(), "the entry 3 of term 1 does not follow the entry 1 of term 1");
}

#[test]
fn the_space_of_purged_entries_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path()).unwrap();
    let mut largest = 0;
    for round in 0..40u64 {
        append(&log, 1, round * 500..(round + 1) * 500);
        if round > 0 {
            log.purge(at(1, round * 500 - 1)).unwrap();
        }
        largest = largest.max(log.size_bytes().unwrap());
    }
    // 20,000 entries of 100 bytes were written, at most 1,000 of them live at any time.
    assert!(largest < 24 * 1024 * 1024, "{largest} bytes");
}

#[test]
fn a_second_process_is_told_that_the_folder_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path()).unwrap();
    let refused = sentence(open(folder.path()));
    assert!(refused.contains("is in use by another process"), "{refused}");
    drop(log);
    open(folder.path()).unwrap();
}

#[test]
fn another_members_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let refused = sentence(Log::open(folder.path(), 2, std::sync::Arc::new(|_| ())));
    assert!(refused.contains("holds the data of member 1, and this is member 2"), "{refused}");
}

#[test]
fn an_unfinished_snapshot_of_sled_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path()).unwrap();
    append(&log, 1, 0..5);
    drop(log);
    let left = folder.path().join("log/snap.0000000000000000.generating");
    fs::write(&left, b"cut off").unwrap();
    let (_log, again) = open(folder.path()).unwrap();
    assert_eq!(indexes(&again).len(), 5);
    assert!(!left.exists());
}

#[test]
fn settings_of_sled_that_are_cut_off_count_only_where_there_is_a_database() {
    let made = tempfile::tempdir().unwrap();
    drop(open(made.path()).unwrap());
    let settings = fs::read(made.path().join("log/conf")).unwrap();
    for length in 0..settings.len() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("log")).unwrap();
        fs::write(folder.path().join("log/conf"), &settings[..length]).unwrap();
        open(folder.path()).unwrap();
    }
    fs::write(made.path().join("log/conf"), &settings[1..]).unwrap();
    let refused = sentence(open(made.path()));
    assert!(refused.contains("must not vote with a log it may have forgotten"), "{refused}");
}

#[test]
fn a_database_that_went_back_in_time_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let backup = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path()).unwrap();
    append(&log, 1, 0..5);
    drop(log);
    copy(&folder.path().join("log"), &backup.path().join("log"));
    let (log, _) = open(folder.path()).unwrap();
    append(&log, 1, 5..9);
    drop(log);

    fs::remove_dir_all(folder.path().join("log")).unwrap();
    copy(&backup.path().join("log"), &folder.path().join("log"));
    let refused = sentence(open(folder.path()));
    assert!(refused.contains("has forgotten the log's entry 8 of term 1"), "{refused}");
    assert!(refused.contains("bring the member back under a new id"), "{refused}");

    fs::remove_dir_all(folder.path().join("log")).unwrap();
    let refused = sentence(open(folder.path()));
    assert!(refused.contains("has forgotten"), "{refused}");
}

#[test]
fn a_forgotten_vote_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path()).unwrap();
    save_vote(&log, vote(7, 3));
    drop(log);
    fs::remove_dir_all(folder.path().join("log")).unwrap();
    let refused = sentence(open(folder.path()));
    assert!(refused.contains("has forgotten the vote for member 3 in term 7"), "{refused}");
}

#[test]
fn a_missing_hard_state_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path()).unwrap();
    append(&log, 1, 0..1);
    drop(log);
    fs::remove_file(folder.path().join("hard_state")).unwrap();
    let refused = sentence(open(folder.path()));
    assert!(refused.contains("the file hard_state is missing"), "{refused}");
}

/// Killed right after a sync, the file `hard_state` is behind the database; the other members know how far that reached.
#[test]
fn a_log_reaches_as_far_as_its_database() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path()).unwrap();
    save_vote(&log, vote(1, 1));
    append(&log, 1, 0..3);
    drop(log);
    let behind = fs::read(folder.path().join("hard_state")).unwrap();
    let (log, _) = open(folder.path()).unwrap();
    append(&log, 1, 3..5);
    let told = log.reached().get();
    drop(log);
    fs::write(folder.path().join("hard_state"), behind).unwrap();
    let (log, again) = open(folder.path()).unwrap();
    assert_eq!(indexes(&again), [0, 1, 2, 3, 4]);
    assert_eq!(log.reached().get(), told);
}

/// Whatever is flipped or cut off: the log is whole, or it is refused.
#[test]
fn a_damaged_database_is_never_served_from() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path()).unwrap();
    append(&log, 1, 0..60);
    save_vote(&log, vote(2, 1));
    drop(log);
    let whole = fs::read(folder.path().join("log/db")).unwrap();
    let mut random = fastrand::Rng::with_seed(2);
    let mut refused = 0;
    for round in 0..40 {
        let damaged = tempfile::tempdir().unwrap();
        copy(folder.path(), damaged.path());
        let mut bytes = whole.clone();
        if round % 4 == 0 {
            bytes.truncate(random.usize(..bytes.len()));
        } else {
            let at = random.usize(..bytes.len());
            bytes[at] ^= 1 << random.u8(..8);
        }
        fs::write(damaged.path().join("log/db"), bytes).unwrap();
        match open(damaged.path()) {
            Ok((_log, again)) => {
                assert_eq!(indexes(&again), (0..60).collect::<Vec<_>>(), "round {round}");
                assert_eq!(again.vote, Some(vote(2, 1)), "round {round}");
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0, "no damage was met at all");
}
