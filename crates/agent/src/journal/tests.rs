//! The journal's bytes, what becomes of damaged ones, and how many syncs they cost.

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::channel;

use tempfile::TempDir;

use super::*;
use crate::attempt::{Key, Outcome, Report};

fn key(token: u64) -> Key {
    Key { run: "r1".into(), step: format!("s{token}"), attempt: 1, token }
}

fn started(token: u64) -> Fact {
    Fact::Started(Started { key: key(token), idempotent: false, action_hash: 9, boot: "b1".into() })
}

fn finished(token: u64) -> Fact {
    Fact::Finished(Report::bare(key(token), Outcome::Succeeded, ""))
}

fn fresh() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    create(&path, "0123", &Facts::default()).unwrap();
    (folder, path)
}

/// Appends and waits until it is durable.
fn append(journal: &Journal, facts: Vec<Fact>) {
    let (done, waiting) = channel();
    journal.append(facts, Box::new(move |result| done.send(result).unwrap()));
    waiting.recv().unwrap().unwrap();
}

/// A journal with two attempts: one that runs, one that ended.
fn written() -> (TempDir, PathBuf, Vec<u8>) {
    let (folder, path) = fresh();
    let journal = Journal::open(&path, read(&path).unwrap()).unwrap();
    append(&journal, vec![started(1), started(2)]);
    append(&journal, vec![finished(2)]);
    let bytes = fs::read(&path).unwrap();
    (folder, path, bytes)
}

#[test]
fn what_was_written_is_read_again() {
    let (_folder, path, _) = written();
    let contents = read(&path).unwrap();
    assert_eq!(contents.incarnation, "0123");
    let open: Vec<&Open> = contents.facts.open.values().collect();
    assert!(matches!(open[..], [Open::Started(_), Open::Finished(_)]));
}

#[test]
fn no_file_and_an_empty_one_are_a_missing_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    assert!(matches!(read(&path), Err(Error::Missing)));
    fs::write(&path, b"").unwrap();
    assert!(matches!(read(&path), Err(Error::Missing)));
}

/// Wherever a write is torn, what was synced before is there and the rest is dropped.
#[test]
fn a_torn_last_line_is_dropped_wherever_it_is_torn() {
    let (_folder, path, bytes) = written();
    let header = compact("0123", &Facts::default()).0.len();
    for cut in header..bytes.len() {
        fs::write(&path, &bytes[..cut]).unwrap();
        let contents = read(&path).unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
        assert!(contents.length <= cut);
        let journal = Journal::open(&path, contents).unwrap();
        append(&journal, vec![started(3)]);
        assert!(read(&path).unwrap().facts.open.contains_key(&3), "{cut}");
    }
}

#[test]
fn zeros_after_the_last_line_are_a_torn_write() {
    let (_folder, path, mut bytes) = written();
    let whole = bytes.len();
    bytes.extend_from_slice(&[0; 100]);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(read(&path).unwrap().length, whole);
}

/// No flipped bit goes unnoticed: it is damage, or (in a length) looks like a torn line.
#[test]
fn a_flipped_bit_never_changes_what_is_read() {
    let (_folder, _, bytes) = written();
    let whole = replay(&bytes).unwrap().facts;
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(contents) = replay(&flipped) {
            assert_ne!(contents.facts, whole, "bit {bit} changed nothing that is seen");
            let known = contents.facts.open.iter();
            for (token, open) in known {
                assert!(whole.open[token] == *open || *token == 2, "bit {bit}");
            }
        }
    }
}

#[test]
fn a_line_from_elsewhere_breaks_the_chain() {
    let (_folder, _, bytes) = written();
    let header = compact("0123", &Facts::default()).0.len();
    let (_, first) = baton_storage::codec::decode_first::<Line>(&bytes[header..]).unwrap();
    let mut without = bytes[..header].to_vec();
    without.extend_from_slice(&bytes[header + first..]);
    let error = replay(&without).unwrap_err().to_string();
    assert!(error.contains("does not follow the line before it"), "{error}");
}

#[test]
fn a_newer_format_is_neither_read_nor_thrown_away() {
    let (_folder, path, mut bytes) = written();
    bytes[1] = 2;
    // Checksums cover the version, so a newer Baton's header is written as one.
    let body = &bytes[3..];
    let header = u32::from_le_bytes(body[..4].try_into().unwrap()) as usize;
    let sum = crc(&bytes[1..7], &bytes[11..11 + header]);
    bytes[7..11].copy_from_slice(&sum.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let error = read(&path).unwrap_err();
    assert!(matches!(error, Error::Newer { .. }), "{error}");
    assert!(error.to_string().contains("use the newer Baton"), "{error}");
}

/// CRC-32 as the envelope has it, bit by bit.
fn crc(head: &[u8], body: &[u8]) -> u32 {
    let bytes = head.iter().chain(body);
    !bytes.fold(!0, |sum: u32, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            let odd = 0_u32.wrapping_sub(sum & 1);
            (sum >> 1) ^ (0xedb8_8320 & odd)
        })
    })
}

#[test]
fn compaction_keeps_the_incarnation_what_is_open_and_the_newest_tokens() {
    let (_folder, path) = fresh();
    let journal = Journal::open(&path, read(&path).unwrap()).unwrap();
    let mut largest = 0;
    for token in 1..=3000 {
        let mut report = Report::bare(key(token % 10), Outcome::Succeeded, "");
        report.key.token = token;
        report.stdout = "x".repeat(1000);
        journal.append_lazily(vec![started(token), Fact::Finished(report)]);
        journal.append_lazily(vec![Fact::Acknowledged { token }]);
        if token % 100 == 0 {
            append(&journal, Vec::new());
            largest = largest.max(fs::metadata(&path).unwrap().len());
        }
    }
    append(&journal, vec![started(3001)]);
    assert!(largest < 2 << 20, "{largest} bytes");
    let contents = read(&path).unwrap();
    assert_eq!(contents.incarnation, "0123");
    assert_eq!(contents.facts.open.len(), 1);
    assert_eq!(contents.facts.newest.of(&key(5)), Some(2995));
}

#[test]
fn attempts_that_start_together_share_a_sync() {
    let (_folder, path) = fresh();
    let contents = read(&path).unwrap();
    let (entries, waiting) = channel();
    let journal = Journal::sending_to(entries);
    let (done, ended) = channel();
    for token in 1..=100 {
        let done = done.clone();
        let tell = move |result: Result<(), String>| done.send(result).unwrap();
        journal.append(vec![started(token)], Box::new(tell));
    }
    drop(journal);
    let mut writer = writer::Writer::new(&path, contents).unwrap();
    writer.run(&waiting);
    assert_eq!(ended.try_iter().filter(Result::is_ok).count(), 100);
    assert_eq!(writer.syncs(), 1);
    assert_eq!(read(&path).unwrap().facts.open.len(), 100);
}

#[test]
fn after_a_failed_write_nobody_is_told_that_it_is_durable() {
    let (_folder, path) = fresh();
    let contents = read(&path).unwrap();
    let mut writer = writer::Writer::new(&path, contents).unwrap();
    // A descriptor that cannot be written plays the disk that fails.
    writer.read_only(&path);
    let (entries, waiting) = channel();
    let journal = Journal::sending_to(entries);
    let (done, ended) = channel();
    let tell = move |result: Result<(), String>| done.send(result).unwrap();
    journal.append(vec![started(1)], Box::new(tell));
    writer.run(&waiting);
    let error = ended.recv().unwrap().unwrap_err();
    assert!(error.contains("can no longer be written"), "{error}");
    drop(waiting);
    let (done, ended) = channel();
    let tell = move |result: Result<(), String>| done.send(result).unwrap();
    journal.append(vec![started(2)], Box::new(tell));
    assert!(ended.recv().unwrap().is_err());
}

/// The format on disk: these bytes were written by version 1 and must stay readable.
#[test]
fn golden_bytes() {
    let mut facts = Facts::default();
    facts.absorb(started(7));
    let report = Report {
        exit_code: Some(3),
        reason: "exited with 3".into(),
        outputs: [("k".to_owned(), "v".to_owned())].into(),
        stdout: "o".into(),
        stderr: "e".into(),
        ..Report::bare(key(8), Outcome::Failed, "")
    };
    facts.absorb(Fact::Finished(report));
    facts.absorb(finished(9));
    facts.absorb(Fact::Acknowledged { token: 9 });
    let (bytes, _) = compact("0123", &facts);
    let mut chain = 5;
    let mut rare = Vec::new();
    let (key, reason) = (key(4), "late".into());
    append_line(&mut rare, &mut chain, Fact::Abandoned { key, reason });
    append_line(&mut rare, &mut chain, Fact::Acknowledged { token: 4 });
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let golden = include_str!("golden.txt");
    assert_eq!(format!("{}\n{}\n", hex(&bytes), hex(&rare)), golden);
    assert_eq!(replay(&bytes).unwrap().facts, facts);
}
