//! Where records stand in the one tree: a prefix byte for the table, the record's index and the
//! part's number, both big-endian, so that the tree's order is the order of writing.
//!
//! One tree and not several, because sled's log orders the writes of one tree: what was written
//! first survives a power cut if anything after it does.

/// The largest value handed to sled, in bytes. A leaf holds up to 16 values, and a page that
/// grows beyond an eighth of a segment goes to a file of its own that sled never syncs.
pub const PART_BYTES: usize = 4096;

/// Bytes of a key.
pub const KEY_LEN: usize = 11;

/// A table's place in the tree. The numbers are the format: never reuse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Prefix {
    /// Proof at every start that a flush syncs.
    Marker = 1,
    /// Single records about the log.
    Head = 2,
    /// The log's entries by index.
    Log = 3,
}

/// A part's key.
pub fn key(prefix: Prefix, index: u64, part: u16) -> [u8; KEY_LEN] {
    let mut key = [prefix as u8; KEY_LEN];
    key[1..9].copy_from_slice(&index.to_be_bytes());
    key[9..].copy_from_slice(&part.to_be_bytes());
    key
}

/// The index and the part that a key names, if it is one.
pub fn parse(key: &[u8]) -> Option<(u64, u16)> {
    let key: &[u8; KEY_LEN] = key.try_into().ok()?;
    let index = u64::from_be_bytes(key[1..9].try_into().ok()?);
    let part = u16::from_be_bytes(key[9..].try_into().ok()?);
    Some((index, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_key() {
        let golden = [3, 0, 0, 0, 0, 0, 0, 1, 2, 0, 7];
        assert_eq!(key(Prefix::Log, 258, 7), golden);
        assert_eq!(parse(&golden), Some((258, 7)));
        assert_eq!(parse(&golden[1..]), None);
    }

    #[test]
    fn keys_sort_as_records_are_written() {
        let order = [
            key(Prefix::Head, u64::MAX, 0),
            key(Prefix::Log, 0, 0),
            key(Prefix::Log, 0, 1),
            key(Prefix::Log, 255, 300),
            key(Prefix::Log, 256, 0),
        ];
        assert!(order.is_sorted());
    }
}
