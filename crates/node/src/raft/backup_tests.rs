use super::*;
use crate::raft::formats::MemberRecord;

fn head(archived: u64) -> BackupHead {
    let record = MemberRecord { address: "h:1".into(), region: "r".into(), incarnation: "i".into() };
    let members = Members { voters: vec![[1].into()], nodes: [(1, record)].into() };
    BackupHead { cluster: "c".into(), at: Position { term: 2, index: 9 }, members, wall_ms: 8, archived }
}

const OLD_BODY: &[u8] = &[1, b'c', 2, 9, 1, 1, 1, 1, 1, 3, b'h', b':', b'1', 1, b'r', 1, b'i', 16];

#[test]
fn the_head_is_these_bytes_for_ever() {
    let bytes = codec::encode(&head(5));
    assert_eq!(bytes[..3], [0xCC, 2, 0]);
    assert_eq!(bytes[codec::HEADER_LEN..], [OLD_BODY, &[5]].concat());
}

#[test]
fn a_head_of_the_time_before_archives_is_read() {
    assert_eq!(BackupHead::upgrade(1, OLD_BODY).unwrap(), head(0));
    assert!(matches!(BackupHead::upgrade(0, OLD_BODY), Err(codec::Error::Unreadable { .. })));
}

#[test]
fn a_backup_that_is_not_whole_is_refused() {
    let entry = |digest| Entry { digest, line: b"line".to_vec(), body: b"body".to_vec() };
    let parts = [ArchivePart(vec![entry(1), entry(2)]), ArchivePart(vec![entry(3)])];
    let beginning = [codec::encode(&head(3)), codec::encode(&SnapshotState(State::default()))];
    let whole = [beginning.concat(), codec::encode(&parts[0]), codec::encode(&parts[1])].concat();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup");
    let keep = |bytes: &[u8]| {
        let mut unfinished = Unfinished::create(&path).unwrap();
        unfinished.add(bytes).unwrap();
        unfinished.finish()
    };
    assert_eq!(keep(&whole).unwrap().revision, 9);
    let digests: Vec<_> = read(&path).unwrap().archived.map(|entry| entry.unwrap().digest).collect();
    assert_eq!(digests, [1, 2, 3]);
    for at in 0..whole.len() {
        assert!(keep(&whole[..at]).is_err(), "cut after {at} bytes");
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        assert!(keep(&flipped).is_err(), "flipped at {at}");
    }
    assert!(keep(&[&whole[..], &[0]].concat()).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), whole, "a failed backup leaves the one before");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "and nothing beside it");
}
