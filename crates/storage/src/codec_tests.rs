use serde::Deserialize;

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Berth {
    name: String,
    depth_cm: u32,
}

impl Record for Berth {
    const MAGIC: u8 = 0xB7;
    const VERSION: u16 = 2;

    fn upgrade(version: u16, body: &[u8]) -> Result<Self, Error> {
        let 1 = version else {
            return Err(Error::Unreadable { found: version, known: Self::VERSION });
        };
        let name = decode_body(body)?;
        Ok(Self { name, depth_cm: 0 })
    }
}

/// The same kind as an older Baton wrote it.
#[derive(Serialize, Deserialize)]
struct OldBerth(String);

impl Record for OldBerth {
    const MAGIC: u8 = 0xB7;
    const VERSION: u16 = 1;
}

fn berth() -> Berth {
    Berth { name: "east".into(), depth_cm: 900 }
}

fn sealed(version: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xB7];
    bytes.extend(version.to_le_bytes());
    bytes.extend((body.len() as u32).to_le_bytes());
    let sum = checksum(&bytes[1..7], body);
    bytes.extend(sum.to_le_bytes());
    bytes.extend(body);
    bytes
}

#[test]
fn golden_bytes() {
    let golden = [0xB7, 2, 0, 8, 0, 0, 0, 0xC3, 0x47, 0xED, 0x8D, 4, b'e', b'a', b's', b't', 251, 0x84, 3];
    assert_eq!(encode(&berth()), golden);
    assert_eq!(decode::<Berth>(&golden), Ok(berth()));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let good = encode(&berth());
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(decode::<Berth>(&bad).is_err(), "bit {bit} went unnoticed");
    }
}

#[test]
fn every_cut_is_noticed() {
    let good = encode(&berth());
    for len in 0..good.len() {
        let error = decode::<Berth>(&good[..len]).unwrap_err();
        assert!(matches!(error, Error::Truncated { have, .. } if have == len));
    }
}

#[test]
fn an_older_record_is_read_and_a_newer_one_refused() {
    let old = encode(&OldBerth("east".into()));
    assert_eq!(decode::<Berth>(&old), Ok(Berth { name: "east".into(), depth_cm: 0 }));
    let error = decode::<OldBerth>(&encode(&berth())).err().unwrap();
    assert_eq!(error, Error::Newer { found: 2, known: 1 });
    assert_eq!(
        error.to_string(),
        "the record has format 2, and this Baton knows formats up to 1: use the newer Baton that wrote it"
    );
    assert_eq!(decode::<Berth>(&sealed(0, &[])), Err(Error::Unreadable { found: 0, known: 2 }));
}

#[test]
fn the_head_of_a_longer_buffer() {
    let mut bytes = encode(&berth());
    let len = bytes.len();
    bytes.extend([1, 2, 3]);
    assert_eq!(decode_first::<Berth>(&bytes), Ok((berth(), len)));
    assert_eq!(decode::<Berth>(&bytes), Err(Error::Body("3 bytes follow its end".into())));
}

#[test]
fn a_body_with_bytes_left_over_is_refused() {
    let body = [4, b'e', b'a', b's', b't', 1, 9];
    assert_eq!(
        decode::<Berth>(&sealed(2, &body)),
        Err(Error::Body("it has 7 bytes, of which 6 have a meaning".into()))
    );
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_anything_is_allocated() {
    // A string that says it is 2^60 bytes long: without a limit this would end the process.
    let mut body = vec![253];
    body.extend((1u64 << 60).to_le_bytes());
    assert!(matches!(decode::<Berth>(&sealed(2, &body)), Err(Error::Body(_))));
    let mut bytes = encode(&berth());
    bytes[3..7].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(decode::<Berth>(&bytes), Err(Error::Checksum));
}

#[test]
fn another_kind_is_named() {
    assert_eq!(
        decode::<Berth>(&[0x11; 20]).unwrap_err().to_string(),
        "this is not the expected kind of record: it begins with 0x11 where 0xb7 should stand"
    );
}

#[test]
fn what_is_written_in_pieces_is_what_is_written_at_once() {
    let long = Berth { name: "east".repeat(PIECE), depth_cm: 900 };
    let mut out = std::io::Cursor::new(Vec::new());
    encode_to(&berth(), &mut out).unwrap();
    encode_to(&long, &mut out).unwrap();
    assert_eq!(out.into_inner(), [encode(&berth()), encode(&long)].concat());
}

#[test]
fn a_disk_that_takes_no_more_is_heard_in_its_own_words() {
    let mut room = [0; 100];
    let long = Berth { name: "east".repeat(PIECE), depth_cm: 900 };
    let error = encode_to(&long, &mut std::io::Cursor::new(&mut room[..])).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);
}
