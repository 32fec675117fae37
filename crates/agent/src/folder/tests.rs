use std::fs::{self, File};

use baton_storage::codec;
use rustix::fs::{FlockOperation, flock};

use super::{Folder, GONE_FIRST, Identity};
use crate::attempt::{Action, Assignment, Call, Key, Outcome, Report};
use crate::lease::Deadline;
use crate::ledger::Seen;

/// As version 1 wrote it: [`supervisor`] 42, with a cgroup.
const IDENTITY_1: &[u8] = b"\xa5\x01\x00\x0b\x00\x00\x00\xac\xd9\xcb\x4a\x02b1T\xfb\xdf\x03\x01\x02/c";

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

/// Which process keeps which attempt.
fn supervisor(pid: i32, token: u64) -> Identity {
    Identity { boot: "b1".into(), pid, start_time: 991, cgroup: None, token: Some(token) }
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
        codec::encode(&Identity { cgroup: Some("/c".into()), ..supervisor(42, 300) }),
        codec::encode(&Deadline { boot: "b1".into(), until_ns: 70_000 }),
    ];
    let hex = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let played: Vec<String> = records.iter().map(hex).collect();
    assert_eq!(played.join("\n") + "\n", include_str!("golden.txt"));
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
fn a_marker_says_who_and_an_exit_record_how_it_ended() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = named(&temporary, 300);
    let identity = supervisor(42, 300);
    folder.mark_executing(&identity).unwrap();
    assert_eq!((folder.identity(), folder.exit()), (Some(identity.clone()), None));
    assert!(folder.seen_unlocked().executing);
    let report = |reason: &str| Report::bare(key(), Outcome::Succeeded, reason);
    folder.write_exit(&report("")).unwrap();
    folder.sync_exit().unwrap();
    assert_eq!((folder.identity(), folder.exit()), (Some(identity), Some(report(""))));
    folder.replace_exit(&report("written anew")).unwrap();
    assert_eq!(folder.exit(), Some(report("written anew")));
    folder.remove().unwrap();
    folder.sync_exit().unwrap();
}

#[test]
fn a_folder_goes_over_with_nothing_said_in_it() {
    let temporary = tempfile::tempdir().unwrap();
    let (first, next) = (named(&temporary, 300), Folder::at(&temporary.path().join("301")));
    let spare = Folder::at(&temporary.path().join("spare"));
    let report = |token, reason: &str| Report::bare(Key { token, ..key() }, Outcome::Succeeded, reason);
    drop(first.hand_out(&assignment(Action::Wait { until: vec!["long".into()], interval_ms: 5 })).unwrap());
    first.mark_executing(&supervisor(42, 300)).unwrap();
    first.write_exit(&report(300, "a long reason")).unwrap();
    fs::write(first.output(), "a=b").unwrap();
    assert!(first.leave_as(&spare).unwrap() && !first.path.exists());
    let lock = next.take_over(&spare, &assignment(Action::Noop)).unwrap();
    assert_eq!(next.seen().unwrap(), Seen { locked: true, ..Seen::default() });
    assert_eq!((next.assignment().unwrap().action, next.identity()), (Action::Noop, None));
    drop(lock);
    next.mark_executing(&supervisor(7, 301)).unwrap();
    assert_eq!(next.identity(), Some(supervisor(7, 301)));
    assert_eq!(next.seen().unwrap(), Seen { executing: true, ..Seen::default() }, "the other's end is none");
    next.write_exit(&report(301, "")).unwrap();
    assert_eq!(next.exit(), Some(report(301, "")));
    next.write_stop("late").unwrap();
    assert!(!next.leave_as(&spare).unwrap(), "it holds more than it should");
}

#[test]
fn a_folder_that_is_half_removed_is_never_an_act_of_nobody_s() {
    for gone in 0..=GONE_FIRST.len() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = named(&temporary, 300);
        drop(folder.hand_out(&assignment(Action::Noop)).unwrap());
        folder.mark_executing(&supervisor(42, 300)).unwrap();
        folder.write_exit(&Report::bare(key(), Outcome::Succeeded, "")).unwrap();
        fs::write(folder.output(), "").unwrap();
        GONE_FIRST[..gone].iter().for_each(|name| fs::remove_file(folder.path.join(name)).unwrap());
        let acted = folder.seen_unlocked().executing;
        assert!(!acted || folder.assignment().is_ok(), "{gone} of its files are gone");
    }
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
    fs::write(folder.path.join("identity"), IDENTITY_1).unwrap();
    assert_eq!(folder.seen().unwrap(), Seen { locked: true, executing: true, exit: None });
    assert_eq!(
        folder.identity(),
        Some(Identity { cgroup: Some("/c".into()), token: None, ..supervisor(42, 300) })
    );
    let report = Report::bare(key(), Outcome::Succeeded, "");
    fs::write(folder.path.join("executing"), codec::encode(&report)).unwrap();
    assert_eq!(folder.exit(), Some(report));
    drop(lock);
    folder.remove().unwrap();
    assert!(!folder.path.exists());
}

/// One that wrote the end into the marker, and renamed that.
#[test]
fn a_renamed_marker_is_understood() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = named(&temporary, 300);
    fs::write(folder.executing(), IDENTITY_1).unwrap();
    assert_eq!(folder.seen().unwrap(), Seen { executing: true, ..Seen::default() });
    let report = Report::bare(key(), Outcome::Succeeded, "");
    fs::write(folder.executing(), [IDENTITY_1, &codec::encode(&report)].concat()).unwrap();
    fs::rename(folder.executing(), folder.exit_path()).unwrap();
    assert_eq!(folder.seen().unwrap(), Seen { executing: true, exit: Some(report), ..Seen::default() });
    assert_eq!(folder.identity().unwrap().pid, 42);
}

/// What is not understood may be a mark: whoever believed that nothing has happened would let it happen again.
#[test]
fn a_damaged_mark_is_one() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = named(&temporary, 301);
    let old = codec::encode(&Identity { cgroup: Some("/c".into()), ..supervisor(42, 300) });
    fs::write(folder.executing(), &old).unwrap();
    assert_eq!((folder.seen().unwrap(), folder.identity()), (Seen::default(), None));
    let new = codec::encode(&supervisor(43, 301));
    for written in 1..=new.len() {
        let torn = [&new[..written], &old[written..]].concat();
        fs::write(folder.executing(), &torn).unwrap();
        assert_eq!(folder.seen_unlocked().executing, torn != old, "{written} bytes of it");
    }
    fs::write(folder.executing(), b"").unwrap();
    assert!(folder.seen_unlocked().executing);
    // As where no file can be opened any more.
    fs::remove_file(folder.executing()).unwrap();
    fs::create_dir(folder.executing()).unwrap();
    assert!(folder.seen_unlocked().executing);
}
