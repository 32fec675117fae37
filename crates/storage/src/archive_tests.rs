use std::fs;

use super::*;

fn entry(digest: u64) -> Entry {
    Entry { digest, line: format!("line {digest}").into(), body: format!("the body of {digest}").into() }
}

fn filled(folder: &Path, digests: impl IntoIterator<Item = u64>) -> Archive {
    let archive = Archive::open(folder).unwrap();
    for digest in digests {
        archive.add(&entry(digest)).unwrap();
    }
    archive
}

#[test]
fn what_was_added_is_there_after_a_restart_once_its_owner_stands_there() {
    let folder = tempfile::tempdir().unwrap();
    let mark = {
        let archive = filled(folder.path(), 1..=3);
        archive.sync().unwrap();
        archive.mark()
    };
    let archive = Archive::open(folder.path()).unwrap();
    assert_eq!((archive.mark(), archive.reach()), (Mark::default(), mark));
    assert!(archive.stand_at(mark));
    assert_eq!(archive.mark().count, 3);
    assert_eq!(archive.line(2).unwrap(), b"line 3");
    assert_eq!(archive.body(0).unwrap(), b"the body of 1");
    assert_eq!(archive.entry(1).unwrap(), entry(2));
    assert_eq!(archive.body(3).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn an_owner_that_was_set_back_adds_the_same_again_without_a_write() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path(), 1..=3));
    let archive = filled(folder.path(), 1..=2);
    assert_eq!((archive.mark().count, archive.reach().count), (2, 3));
    archive.add(&entry(9)).unwrap();
    assert_eq!((archive.mark().count, archive.reach().count), (3, 3), "what is different replaces the rest");
    assert_eq!(archive.body(2).unwrap(), b"the body of 9");
}

/// ext4 lengthens a file in its journal before the bytes of a page that it had already are on the disk.
#[test]
fn a_body_that_a_power_cut_left_as_a_hole_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let mark = filled(folder.path(), 1..=1).mark();
    let end = fs::metadata(folder.path().join("records")).unwrap().len();
    drop(filled(folder.path(), 1..=3));
    let records = File::options().write(true).open(folder.path().join("records")).unwrap();
    let length = entry(2).body.len();
    records.write_all_at(&vec![0; length], end).unwrap();
    let archive = Archive::open(folder.path()).unwrap();
    assert!(archive.stand_at(mark));
    archive.give_up_torn(|body| body.starts_with(b"the body")).unwrap();
    assert_eq!((archive.mark().count, archive.reach().count), (1, 1));
    archive.add(&entry(2)).unwrap();
    assert_eq!(archive.entry(1).unwrap(), entry(2));
    archive.give_up_torn(|_| false).unwrap();
    assert_eq!(archive.reach().count, 2, "what its owner stands on is not looked at");
}

#[test]
fn two_archives_that_begin_alike_are_told_from_those_that_do_not() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, other) = (filled(one.path(), [1, 2, 3]), filled(other.path(), [1, 2]));
    assert!(one.holds(other.mark()));
    assert!(!other.holds(one.mark()));
    let before = other.reach();
    assert!(other.extend(before, &entry(3)).unwrap());
    assert!(!other.extend(before, &entry(4)).unwrap(), "something else came there meanwhile");
    assert_eq!(other.mark().count, 2, "its owner stands where it stood");
    assert!(other.stand_at(one.mark()));
    assert!(!other.stand_at(Mark { count: 2, chain: 7 }));
}

#[test]
fn a_torn_end_is_cut_off_wherever_it_tears() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path(), 1..=2));
    for name in ["records", "index"] {
        let path = folder.path().join(name);
        let whole = std::fs::read(&path).unwrap();
        let other = if name == "index" { "records" } else { "index" };
        let other = (folder.path().join(other), std::fs::read(folder.path().join(other)).unwrap());
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let archive = Archive::open(folder.path()).unwrap();
            let kept = archive.reach().count;
            assert!(kept < 2, "{name} cut after {length}");
            (kept..2).for_each(|count| assert!(archive.body(count).is_err()));
            std::fs::write(&path, &whole).unwrap();
            std::fs::write(&other.0, &other.1).unwrap();
        }
    }
    assert_eq!(Archive::open(folder.path()).unwrap().reach().count, 2);
}

#[test]
fn the_bytes_of_a_row_stay() {
    let row = Row { at: 7, length: 9, digest: 300, line: b"ab".to_vec() };
    let bytes = codec::encode(&row);
    assert_eq!(bytes[..3], [0xB5, 1, 0]);
    assert_eq!(bytes[codec::HEADER_LEN..], [7, 9, 251, 0x2C, 1, 2, b'a', b'b']);
}
