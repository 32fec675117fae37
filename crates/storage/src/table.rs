//! Typed records in the one tree. A record longer than a part stands under several keys in order;
//! its envelope says how long it is, so a record that a power cut left half written shows.

use std::io;
use std::marker::PhantomData;

use crate::codec::{self, Record};
use crate::layout::{self, PART_BYTES, Prefix};

/// One kind of record, by index.
pub struct Table<R> {
    tree: sled::Tree,
    prefix: Prefix,
    record: PhantomData<fn() -> R>,
}

/// Why a record cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said so.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The bytes are not the record.
    #[error("record {index}: {error}")]
    Codec {
        /// The record's index.
        index: u64,
        /// What is wrong.
        error: codec::Error,
    },
}

impl<R: Record> Table<R> {
    pub(crate) fn new(tree: sled::Tree, prefix: Prefix) -> Self {
        Self { tree, prefix, record: PhantomData }
    }

    /// Writes a record where none is, or over one of the same number of parts. Durable with the
    /// next flush, and not before anything that was put earlier.
    ///
    /// # Errors
    /// Those of the disk; after one the database takes no more writes.
    pub fn put(&self, index: u64, record: &R) -> io::Result<()> {
        let bytes = codec::encode(record);
        for (part, value) in bytes.chunks(PART_BYTES).enumerate() {
            let part = u16::try_from(part).map_err(io::Error::other)?;
            self.tree.insert(layout::key(self.prefix, index, part), value)?;
        }
        Ok(())
    }

    /// Reads a record.
    ///
    /// # Errors
    /// As [`Error`].
    pub fn get(&self, index: u64) -> Result<Option<R>, Error> {
        self.range(index, index).next().map(|(_, r)| r).transpose()
    }

    /// Reads the records from `first` to `last`, both included, in order.
    pub fn range(&self, first: u64, last: u64) -> impl Iterator<Item = (u64, Result<R, Error>)> {
        let mut parts = self.parts(first, last).peekable();
        std::iter::from_fn(move || {
            let (index, mut bytes) = match parts.next()? {
                Ok((index, value)) => (index, value.to_vec()),
                Err(error) => return Some((0, Err(error.into()))),
            };
            while let Some(Ok((_, value))) =
                parts.next_if(|part| part.as_ref().is_ok_and(|(next, _)| *next == index))
            {
                bytes.extend_from_slice(&value);
            }
            let record = codec::decode(&bytes).map_err(|error| Error::Codec { index, error });
            Some((index, record))
        })
    }

    /// Removes the record at `index`, its last part first: half removed, it shows as cut off.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn remove(&self, index: u64) -> io::Result<()> {
        let parts = self.tree.range(self.keys(index, index)).rev();
        for part in parts {
            self.tree.remove(part?.0)?;
        }
        Ok(())
    }

    /// Removes at most `limit` parts of the records up to `last`, the lowest first, and returns
    /// whether there may be more.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn remove_through(&self, last: u64, limit: usize) -> io::Result<bool> {
        let mut removed = 0;
        for part in self.tree.range(self.keys(0, last)).take(limit) {
            self.tree.remove(part?.0)?;
            removed += 1;
        }
        Ok(removed == limit)
    }

    fn keys(&self, first: u64, last: u64) -> std::ops::RangeInclusive<[u8; layout::KEY_LEN]> {
        layout::key(self.prefix, first, 0)..=layout::key(self.prefix, last, u16::MAX)
    }

    fn parts(&self, first: u64, last: u64) -> impl Iterator<Item = io::Result<(u64, sled::IVec)>> + use<R> {
        self.tree.range(self.keys(first, last)).map(|part| {
            let (key, value) = part?;
            let (index, _) = layout::parse(&key)
                .ok_or_else(|| io::Error::other("a key of an unknown shape is in the database"))?;
            Ok((index, value))
        })
    }
}
