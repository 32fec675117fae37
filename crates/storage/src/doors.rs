//! Where the fuzzer knocks: bytes from outside, taken to where they are read. Built for `cargo fuzz` only.

use crate::codec::{self, Record};
use crate::hard_state::HardState;

/// Reads bytes as they came, and as the body of a sound envelope. What can be read can be written, and read again.
pub fn read<R: Record>(bytes: &[u8]) {
    for bytes in [bytes, &codec::seal::<R>(bytes)] {
        if let Ok(record) = codec::decode::<R>(bytes) {
            let again = codec::encode(&record);
            assert!(codec::decode::<R>(&again).is_ok(), "what was written cannot be read");
        }
    }
}

/// This crate's records.
pub fn records(bytes: &[u8]) {
    read::<HardState>(bytes);
    crate::log::read_records(bytes);
}
