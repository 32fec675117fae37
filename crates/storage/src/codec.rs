//! The envelope around every record on disk and on the wire between members.
//!
//! `magic (1) | version (u16) | length (u32) | crc32 (u32) | body`, integers little-endian, the
//! checksum over version, length and body. The body is bincode: a field added to a struct or a
//! variant put in the middle of an enum changes what old bytes mean, so every shape that was ever
//! written keeps its version, and newer versions are refused instead of guessed at.

use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes before the body.
pub const HEADER_LEN: usize = 11;

/// The largest body, in bytes, that is read or written.
pub const BODY_LIMIT: usize = 256 * 1024 * 1024;

/// Bytes that are written and summed in one piece.
const PIECE: usize = 64 * 1024;

/// Something that is written in an envelope.
pub trait Record: Serialize + DeserializeOwned {
    /// Tells kinds of records apart; never reused for another kind.
    const MAGIC: u8;
    /// The version that is written.
    const VERSION: u16;

    /// Reads a body of an older version, whose checksum has been verified.
    ///
    /// # Errors
    /// [`Error::Unreadable`] unless the record knows how to read that version.
    fn upgrade(version: u16, body: &[u8]) -> Result<Self, Error> {
        let _ = body;
        Err(Error::Unreadable { found: version, known: Self::VERSION })
    }
}

/// Why bytes are not the record that they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are of another kind.
    #[error(
        "this is not the expected kind of record: it begins with {found:#04x} where {expected:#04x} should stand"
    )]
    Magic {
        /// The first byte.
        found: u8,
        /// The kind's own.
        expected: u8,
    },
    /// A newer Baton wrote them.
    #[error(
        "the record has format {found}, and this Baton knows formats up to {known}: use the newer Baton that wrote it"
    )]
    Newer {
        /// The format found.
        found: u16,
        /// The newest format known.
        known: u16,
    },
    /// An older Baton wrote them, and this one forgot how to read that.
    #[error(
        "the record has format {found}, which this Baton (format {known}) can no longer read: upgrade through a version in between"
    )]
    Unreadable {
        /// The format found.
        found: u16,
        /// The format written today.
        known: u16,
    },
    /// They end too early.
    #[error("the record is cut off: {have} bytes are there, {need} are needed")]
    Truncated {
        /// Bytes that are there.
        have: usize,
        /// Bytes that the envelope asks for.
        need: usize,
    },
    /// They were changed after they were written.
    #[error("the record's checksum does not match: its bytes were changed after they were written")]
    Checksum,
    /// The checksum holds, but the body is not what its version says.
    #[error("the record's body cannot be read: {0}")]
    Body(String),
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<BODY_LIMIT>()
}

/// Writes a record with its envelope.
///
/// # Panics
/// If the body is larger than [`BODY_LIMIT`] or of a shape that bincode cannot write (untagged or
/// flattened), which is a mistake in this program and not in its input.
pub fn encode<R: Record>(record: &R) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_LEN];
    let written = bincode::serde::encode_into_std_write(record, &mut bytes, config())
        .expect("the record is of a shape that bincode can write");
    assert!(written <= BODY_LIMIT, "a record of {written} bytes");
    address::<R>(&mut bytes);
    bytes
}

/// Writes a record with its envelope, never the whole of it in memory.
///
/// # Errors
/// Those of `out`, and a body larger than [`BODY_LIMIT`], which nobody would read.
pub fn encode_to<R: Record>(record: &R, out: &mut (impl Write + Seek)) -> io::Result<()> {
    let begin = out.stream_position()?;
    out.write_all(&[0; HEADER_LEN])?;
    let summed = Summed { out, sum: crc32fast::Hasher::new(), length: 0 };
    // bincode writes a number at a time.
    let mut body = BufWriter::with_capacity(PIECE, summed);
    bincode::serde::encode_into_std_write(record, &mut body, config()).map_err(|error| match error {
        bincode::error::EncodeError::Io { inner, .. } => inner,
        error => io::Error::other(error),
    })?;
    let Summed { out, sum, length } = body.into_inner().map_err(io::IntoInnerError::into_error)?;
    let end = out.stream_position()?;
    out.seek(SeekFrom::Start(begin))?;
    out.write_all(&header::<R>(length as u32, sum))?;
    out.seek(SeekFrom::Start(end))?;
    Ok(())
}

/// Counts and sums what it passes on.
struct Summed<'a, W> {
    out: &'a mut W,
    sum: crc32fast::Hasher,
    length: usize,
}

impl<W: Write> Write for Summed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sum.update(&bytes[..written]);
        self.length += written;
        match self.length <= BODY_LIMIT {
            true => Ok(written),
            false => Err(io::Error::other(format!("a record is larger than {BODY_LIMIT} bytes"))),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Fills in the envelope around a body that stands behind the room for it.
fn address<R: Record>(bytes: &mut [u8]) {
    let (head, body) = bytes.split_at_mut(HEADER_LEN);
    let mut sum = crc32fast::Hasher::new();
    sum.update(body);
    head.copy_from_slice(&header::<R>(body.len() as u32, sum));
}

/// The envelope of a body of this length and sum.
fn header<R: Record>(length: u32, body: crc32fast::Hasher) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[0] = R::MAGIC;
    header[1..3].copy_from_slice(&R::VERSION.to_le_bytes());
    header[3..7].copy_from_slice(&length.to_le_bytes());
    let mut sum = crc32fast::Hasher::new();
    sum.update(&header[1..7]);
    sum.combine(&body);
    header[7..11].copy_from_slice(&sum.finalize().to_le_bytes());
    header
}

/// Any bytes, in an envelope whose checksum holds.
#[cfg(fuzzing)]
pub fn seal<R: Record>(body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_LEN];
    bytes.extend_from_slice(body);
    address::<R>(&mut bytes);
    bytes
}

/// Reads a record that takes up all of `bytes`.
///
/// # Errors
/// Every way in which the bytes can be something else, as [`Error`].
pub fn decode<R: Record>(bytes: &[u8]) -> Result<R, Error> {
    let (record, used) = decode_first(bytes)?;
    if used != bytes.len() {
        return Err(Error::Body(format!("{} bytes follow its end", bytes.len() - used)));
    }
    Ok(record)
}

/// Reads the record at the head of `bytes`, and says how many of them it took up.
///
/// # Errors
/// As [`decode`].
pub fn decode_first<R: Record>(bytes: &[u8]) -> Result<(R, usize), Error> {
    let (version, body) = open::<R>(bytes)?;
    let used = HEADER_LEN + body.len();
    let record = match version.cmp(&R::VERSION) {
        std::cmp::Ordering::Equal => decode_body(body)?,
        std::cmp::Ordering::Less => R::upgrade(version, body)?,
        std::cmp::Ordering::Greater => {
            return Err(Error::Newer { found: version, known: R::VERSION });
        }
    };
    Ok((record, used))
}

/// Reads the next envelope of a stream, with its body, unchecked; `None` where the stream ends before the envelope does.
///
/// # Errors
/// Those of the stream.
pub fn read_envelope(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    stream.by_ref().take(HEADER_LEN as u64).read_to_end(&mut bytes)?;
    let Some(length) = bytes.get(3..7) else { return Ok(None) };
    let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
    if bytes.len() < HEADER_LEN || length > BODY_LIMIT {
        return Ok(None);
    }
    let read = stream.take(length as u64).read_to_end(&mut bytes)?;
    Ok((read == length).then_some(bytes))
}

/// Reads a bare body, for [`Record::upgrade`].
///
/// # Errors
/// [`Error::Body`] if the bytes are not exactly one `T`.
pub fn decode_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let (value, used) =
        bincode::serde::decode_from_slice(body, config()).map_err(|error| Error::Body(error.to_string()))?;
    if used != body.len() {
        // bincode reads a longer body of another shape without a word; this is the word.
        return Err(Error::Body(format!("it has {} bytes, of which {used} have a meaning", body.len())));
    }
    Ok(value)
}

/// Checks the envelope, and returns the version and the body.
fn open<R: Record>(bytes: &[u8]) -> Result<(u16, &[u8]), Error> {
    let have = bytes.len();
    let short = |need| Error::Truncated { have, need };
    let header = bytes.get(..HEADER_LEN).ok_or(short(HEADER_LEN))?;
    if header[0] != R::MAGIC {
        return Err(Error::Magic { found: header[0], expected: R::MAGIC });
    }
    let version = u16::from_le_bytes([header[1], header[2]]);
    let length = u32::from_le_bytes([header[3], header[4], header[5], header[6]]) as usize;
    let sum = u32::from_le_bytes([header[7], header[8], header[9], header[10]]);
    if length > BODY_LIMIT {
        return Err(Error::Checksum);
    }
    let body = bytes.get(HEADER_LEN..HEADER_LEN + length).ok_or(short(HEADER_LEN + length))?;
    if checksum(&header[1..7], body) != sum {
        return Err(Error::Checksum);
    }
    Ok((version, body))
}

/// Serializes a `Vec<u8>` in one piece (`#[serde(with = "baton_storage::codec::bytes")]`): the
/// same bytes as without it, some thirty times faster.
pub mod bytes {
    use std::fmt;

    use serde::de::{Deserializer, Error, Visitor};
    use serde::ser::Serializer;

    /// Writes the bytes.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    /// Reads the bytes.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        deserializer.deserialize_byte_buf(Bytes)
    }

    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bytes")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }

        fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
            Ok(bytes)
        }
    }
}

fn checksum(head: &[u8], body: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(head);
    sum.update(body);
    sum.finalize()
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
