//! FNV-1a over bytes in a fixed order: the timeline's chain and the digests of requests. It
//! finds accidents, not forgers.

use std::fmt;
use std::hash::{Hash, Hasher};

/// A 64-bit FNV-1a hash whose value does not depend on the machine.
#[derive(Debug, Clone)]
pub struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    // The default methods write in the machine's byte order.
    fn write_u8(&mut self, value: u8) {
        self.write(&[value]);
    }
    fn write_u16(&mut self, value: u16) {
        self.write(&value.to_le_bytes());
    }
    fn write_u32(&mut self, value: u32) {
        self.write(&value.to_le_bytes());
    }
    fn write_u64(&mut self, value: u64) {
        self.write(&value.to_le_bytes());
    }
    fn write_usize(&mut self, value: usize) {
        self.write(&(value as u64).to_le_bytes());
    }
    fn write_isize(&mut self, value: isize) {
        self.write(&(value as i64).to_le_bytes());
    }
}

/// The digest of anything that can be hashed.
pub fn digest(value: &impl Hash) -> u64 {
    let mut hasher = Fnv::default();
    value.hash(&mut hasher);
    hasher.finish()
}

impl fmt::Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}

/// The chain's next link: over the one before and a line of text, which is never written down.
pub(crate) fn link(before: u64, line: fmt::Arguments<'_>) -> u64 {
    let mut hasher = Fnv::default();
    hasher.write_u64(before);
    // Neither the hasher nor what is formatted here ever fails.
    let _ = fmt::Write::write_fmt(&mut hasher, line);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_value_of_fnv_1a() {
        let mut hasher = Fnv::default();
        hasher.write(b"foobar");
        assert_eq!(hasher.finish(), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_link_depends_on_everything_before_it() {
        let link = |before, line: &str| link(before, format_args!("{line}"));
        assert_ne!(link(link(0, "a"), "b"), link(link(0, "b"), "b"));
    }
}
