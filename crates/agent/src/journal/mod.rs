//! The agent's memory: an append-only file of facts, each synced before it is acted upon.
//!
//! `header | line | line | …`, every one in the codec's envelope. The header carries the
//! journal's id, which is the agent's incarnation: whoever loses the journal is somebody else. A
//! line carries the hash of all that stands before it, so a line that was changed, lost or put
//! elsewhere shows. A last line that was cut off by a crash was never acted upon and is dropped.

mod fact;
mod writer;

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use baton_storage::codec::{self, Record};
use baton_storage::file::write_durably;
use serde::{Deserialize, Serialize};

pub use fact::{Fact, Facts, Newest, Open, Started};

pub(crate) use fact::hash;
pub(crate) use writer::Journal;

/// The first record: whose journal this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    /// 128 random bits in hex.
    incarnation: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    previous: u64,
    fact: Fact,
}

impl Record for Header {
    const MAGIC: u8 = 0xa3;
    const VERSION: u16 = 1;
}

impl Record for Line {
    const MAGIC: u8 = 0xa4;
    const VERSION: u16 = 1;
}

/// Why a journal cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is none, or an empty one: a new incarnation.
    #[error("there is no journal")]
    Missing,
    /// Its bytes are not what was written: a new incarnation.
    #[error("the journal is damaged at byte {at}: {what}")]
    Damaged { at: usize, what: String },
    /// A newer Baton wrote it: neither readable nor to be thrown away.
    #[error("{path} cannot be read: {what}", path = path.display())]
    Newer { path: PathBuf, what: codec::Error },
    #[error("{path}: {what}", path = path.display())]
    Io { path: PathBuf, what: io::Error },
}

/// What stood in the file, and where it ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) incarnation: String,
    pub(crate) facts: Facts,
    /// Hash of everything up to the end.
    chain: u64,
    /// Bytes up to the end of the last whole line.
    length: usize,
}

/// Reads the journal without changing it.
///
/// # Errors
/// See [`Error`]; only `Missing` and `Damaged` call for a new incarnation.
pub(crate) fn read(path: &Path) -> Result<Contents, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::Missing),
        Err(what) => {
            let path = path.to_owned();
            return Err(Error::Io { path, what });
        }
    };
    replay(&bytes).map_err(|error| match error {
        Error::Newer { what, .. } => {
            let path = path.to_owned();
            Error::Newer { path, what }
        }
        other => other,
    })
}

/// Puts a journal with this id in place, durably.
///
/// # Errors
/// Those of the file system.
pub(crate) fn create(path: &Path, incarnation: &str, facts: &Facts) -> io::Result<Contents> {
    let (bytes, chain) = compact(incarnation, facts);
    write_durably(path, &bytes)?;
    Ok(Contents { incarnation: incarnation.to_owned(), facts: facts.clone(), chain, length: bytes.len() })
}

/// The whole file with as few lines as possible, and its chain.
fn compact(incarnation: &str, facts: &Facts) -> (Vec<u8>, u64) {
    let incarnation = incarnation.to_owned();
    let mut bytes = codec::encode(&Header { incarnation });
    let mut chain = hash(&bytes);
    for fact in facts.lines() {
        append_line(&mut bytes, &mut chain, fact);
    }
    (bytes, chain)
}

fn append_line(bytes: &mut Vec<u8>, chain: &mut u64, fact: Fact) {
    let previous = *chain;
    let line = codec::encode(&Line { previous, fact });
    // The line holds the hash before it, so its own hash stands for all of them.
    *chain = hash(&line);
    bytes.extend_from_slice(&line);
}

/// Reads bytes as a journal and as its records: whole, damaged or of somebody newer, and never a crash.
#[cfg(fuzzing)]
pub(crate) fn read_bytes(bytes: &[u8]) {
    let _ = replay(bytes);
    baton_storage::doors::read::<Header>(bytes);
    baton_storage::doors::read::<Line>(bytes);
}

fn replay(bytes: &[u8]) -> Result<Contents, Error> {
    if bytes.is_empty() {
        return Err(Error::Missing);
    }
    let damaged = |at, what: codec::Error| match what {
        codec::Error::Newer { .. } | codec::Error::Unreadable { .. } => {
            Error::Newer { path: PathBuf::new(), what }
        }
        what => Error::Damaged { at, what: what.to_string() },
    };
    let (header, mut at) = codec::decode_first::<Header>(bytes).map_err(|error| damaged(0, error))?;
    let mut chain = hash(&bytes[..at]);
    let mut facts = Facts::default();
    while !torn(&bytes[at..]) {
        let (line, used) = codec::decode_first::<Line>(&bytes[at..]).map_err(|error| damaged(at, error))?;
        if line.previous != chain {
            let what = "it does not follow the line before it".into();
            return Err(Error::Damaged { at, what });
        }
        chain = hash(&bytes[at..at + used]);
        facts.absorb(line.fact);
        at += used;
    }
    Ok(Contents { incarnation: header.incarnation, facts, chain, length: at })
}

/// Nothing, or what a crash in the middle of a write leaves: a line cut off, or a length that
/// reached the disk before the bytes did. Whether a synced line was cut off is told by the
/// attempts' folders (`sweep.rs`).
fn torn(rest: &[u8]) -> bool {
    let cut = || matches!(codec::decode_first::<Line>(rest), Err(codec::Error::Truncated { .. }));
    rest.iter().all(|byte| *byte == 0) || cut()
}
