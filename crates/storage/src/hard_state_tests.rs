use std::fs;

use super::*;

fn state(seq: u64) -> HardState {
    HardState {
        seq,
        identity: Identity { node: 2, incarnation: "9f".into() },
        cluster: "c1".into(),
        vote: Some(Vote { term: 3, node: 1, committed: true }),
        last: Some(Position { term: 3, index: 7 }),
        chain: 0xDEAD_BEEF,
        committed: Some(Position { term: 3, index: 6 }),
    }
}

#[test]
fn golden_bytes() {
    let golden = [
        0xB1, 1, 0, 23, 0, 0, 0, 0, 0, 0, 0, 5, 2, 2, b'9', b'f', 2, b'c', b'1', 1, 3, 1, 1, 1, 3, 7, 252,
        0xEF, 0xBE, 0xAD, 0xDE, 1, 3, 6,
    ];
    let mut written = codec::encode(&state(5));
    assert_eq!(codec::decode::<HardState>(&written), Ok(state(5)));
    written[7..11].fill(0);
    assert_eq!(written, golden);
}

#[test]
fn the_newer_slot_is_read_and_a_torn_one_leaves_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hard_state");
    let file = HardStateFile::create(&path, &state(0)).unwrap();
    for seq in 1..=6 {
        file.write(&state(seq)).unwrap();
        assert_eq!(HardStateFile::open(&path).unwrap().1.seq, seq);
        let whole = fs::read(&path).unwrap();
        let at = (seq % 2) as usize * SLOT_BYTES;
        for torn in 0..34 {
            let mut bytes = whole.clone();
            bytes[at + torn] ^= 0xFF;
            fs::write(&path, &bytes).unwrap();
            let read = HardStateFile::open(&path).map(|(_, state)| state.seq);
            assert!(matches!(read, Ok(s) if s == seq - 1), "seq {seq}, byte {torn}");
        }
        fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn two_damaged_slots_are_no_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hard_state");
    HardStateFile::create(&path, &state(0)).unwrap();
    fs::write(&path, vec![0; 2 * SLOT_BYTES]).unwrap();
    let error = HardStateFile::open(&path).err().unwrap();
    assert!(error.to_string().contains("neither slot"), "{error}");
    fs::write(&path, b"").unwrap();
    assert!(matches!(HardStateFile::open(&path), Err(Error::Unreadable { .. })));
}
