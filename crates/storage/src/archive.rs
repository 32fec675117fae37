//! Records that are written once, read rarely and never changed: two plain files beside sled. `records` holds their bodies
//! end to end; `index` has a row for each, with its place and a short line about it.
//!
//! Records are counted from 0, and a chain over their owner's digests says whether two archives begin alike. What was
//! added is durable after [`Archive::sync`]. The files may reach farther than their owner does, who was set back by a
//! crash to what its snapshot says: it stands where it stands, and to add what is there already writes nothing.

use std::fs::File;
use std::io::{self, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::{Deserialize, Serialize};

use crate::codec::{self, Record};
use crate::file;

/// A place in an archive, and what stands before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// How many records stand before it.
    pub count: u64,
    /// The chain over their digests.
    pub chain: u32,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is, whichever version wrote its bytes.
    pub digest: u64,
    /// Short, to be read without the body.
    #[serde(with = "codec::bytes")]
    pub line: Vec<u8>,
    /// The rest.
    #[serde(with = "codec::bytes")]
    pub body: Vec<u8>,
}

/// What the index holds of a record.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    at: u64,
    length: u32,
    digest: u64,
    #[serde(with = "codec::bytes")]
    line: Vec<u8>,
}

impl Record for Row {
    const MAGIC: u8 = 0xB5;
    const VERSION: u16 = 1;
}

/// Where a record and its row stand.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: u64,
    length: u32,
    row_at: u64,
    row_length: u32,
    /// Through this record.
    chain: u32,
}

/// The two files. One owner adds; any number read meanwhile.
#[derive(Debug)]
pub struct Archive {
    records: File,
    index: File,
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    places: Vec<Place>,
    /// How many of them count for the owner.
    standing: usize,
}

impl Inner {
    fn mark(&self, count: usize) -> Option<Mark> {
        match count.checked_sub(1) {
            None => Some(Mark::default()),
            Some(last) => Some(Mark { count: count as u64, chain: self.places.get(last)?.chain }),
        }
    }

    fn holds(&self, mark: Mark) -> bool {
        usize::try_from(mark.count).is_ok_and(|count| self.mark(count) == Some(mark))
    }

    /// Where the next record and its row go.
    fn ends(&self) -> (u64, u64) {
        let last = self.places.last();
        last.map_or((0, 0), |last| {
            (last.at + u64::from(last.length), last.row_at + u64::from(last.row_length))
        })
    }
}

impl Archive {
    /// Opens or creates the archive in `folder`. It stands at its beginning. Blocks.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(folder: &Path) -> io::Result<Self> {
        file::create_folder_durably(folder)?;
        let open = |name: &str| {
            let path = folder.join(name);
            let options = File::options().read(true).write(true).create(true).truncate(false).open(&path);
            options.map_err(|error| file::named("open", &path, &error))
        };
        let (records, index) = (open("records")?, open("index")?);
        file::sync_folder(folder)?;
        let places = read_index(&index, records.metadata()?.len())?;
        let inner = Inner { places, standing: 0 };
        let (end, index_end) = inner.ends();
        // What a crash has left half written must not be taken for more, once something whole stands before it.
        records.set_len(end)?;
        index.set_len(index_end)?;
        Ok(Self { records, index, inner: RwLock::new(inner) })
    }

    /// Lets the records before `mark` count, and no others. False where the archive does not hold just these.
    pub fn stand_at(&self, mark: Mark) -> bool {
        let mut inner = self.write();
        let holds = inner.holds(mark);
        if holds {
            inner.standing = mark.count as usize;
        }
        holds
    }

    /// Gives up what stands behind its owner from the first record on whose body is not `whole`. Only what was synced
    /// before the owner stood there is surely what was written: after a power cut a row may be there, and its body a hole
    /// of the right length. Blocks.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn give_up_torn(&self, whole: impl Fn(&[u8]) -> bool) -> io::Result<()> {
        let mut inner = self.write();
        for at in inner.standing..inner.places.len() {
            let place = inner.places[at];
            if !whole(&read(&self.records, place.at, place.length)?) {
                return self.cut(&mut inner, at);
            }
        }
        Ok(())
    }

    /// Where it stands.
    pub fn mark(&self) -> Mark {
        let inner = self.read();
        inner.mark(inner.standing).unwrap_or_default()
    }

    /// How far its files reach.
    pub fn reach(&self) -> Mark {
        let inner = self.read();
        inner.mark(inner.places.len()).unwrap_or_default()
    }

    /// Whether its files hold all that stands before `mark`.
    pub fn holds(&self, mark: Mark) -> bool {
        self.read().holds(mark)
    }

    /// Adds the next record, and gives its count. Blocks as long as the page cache takes.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn add(&self, entry: &Entry) -> io::Result<u64> {
        let mut inner = self.write();
        let at = inner.standing;
        let before = inner.mark(at).unwrap_or_default();
        let known = inner.places.get(at).is_some_and(|known| known.chain == link(before.chain, entry.digest));
        if !known {
            self.cut(&mut inner, at)?;
            self.put(&mut inner, entry)?;
        }
        inner.standing = at + 1;
        Ok(at as u64)
    }

    /// Adds a record behind the last one that is there, for an owner who will stand there later. False where another one
    /// stands behind `before` meanwhile.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn extend(&self, before: Mark, entry: &Entry) -> io::Result<bool> {
        let mut inner = self.write();
        let continues = inner.mark(inner.places.len()) == Some(before);
        if continues {
            self.put(&mut inner, entry)?;
        }
        Ok(continues)
    }

    /// Gives up all behind `count`: no half of it may be taken for what will stand there.
    fn cut(&self, inner: &mut Inner, count: usize) -> io::Result<()> {
        if count < inner.places.len() {
            inner.places.truncate(count);
            let (end, index_end) = inner.ends();
            self.index.set_len(index_end)?;
            self.records.set_len(end)?;
        }
        Ok(())
    }

    fn put(&self, inner: &mut Inner, entry: &Entry) -> io::Result<()> {
        let chain = inner.places.last().map_or(0, |last| last.chain);
        let (at, row_at) = inner.ends();
        let length = u32::try_from(entry.body.len()).map_err(io::Error::other)?;
        let row = codec::encode(&Row { at, length, digest: entry.digest, line: entry.line.clone() });
        self.records.write_all_at(&entry.body, at)?;
        self.index.write_all_at(&row, row_at)?;
        let (row_length, chain) = (row.len() as u32, link(chain, entry.digest));
        note(&mut inner.places, Place { at, length, row_at, row_length, chain });
        Ok(())
    }

    /// A record's line. Blocks.
    ///
    /// # Errors
    /// Those of the file system; a row that is damaged; a record that is not there.
    pub fn line(&self, count: u64) -> io::Result<Vec<u8>> {
        Ok(self.row(self.place(count)?)?.line)
    }

    /// A record's body. Blocks.
    ///
    /// # Errors
    /// As for its line; the body's own envelope says whether it is damaged.
    pub fn body(&self, count: u64) -> io::Result<Vec<u8>> {
        let place = self.place(count)?;
        read(&self.records, place.at, place.length)
    }

    /// A record as it was added. Blocks.
    ///
    /// # Errors
    /// As for its line.
    pub fn entry(&self, count: u64) -> io::Result<Entry> {
        let place = self.place(count)?;
        let Row { digest, line, .. } = self.row(place)?;
        Ok(Entry { digest, line, body: read(&self.records, place.at, place.length)? })
    }

    /// Makes all that was added durable. Blocks.
    ///
    /// # Errors
    /// Those of the file system; what is on the disk is not known then.
    pub fn sync(&self) -> io::Result<()> {
        // The bodies first: a row says that its body is there.
        self.records.sync_data()?;
        self.index.sync_data()
    }

    fn place(&self, count: u64) -> io::Result<Place> {
        let place = usize::try_from(count).ok().and_then(|count| self.read().places.get(count).copied());
        place.ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("the archive has no record {count}"))
        })
    }

    fn row(&self, place: Place) -> io::Result<Row> {
        let bytes = read(&self.index, place.row_at, place.row_length)?;
        codec::decode(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rows from the beginning on that are whole, and whose records are there.
fn read_index(index: &File, records_length: u64) -> io::Result<Vec<Place>> {
    let mut reader = BufReader::with_capacity(1 << 20, index);
    let (mut places, mut row_at, mut end, mut chain) = (Vec::new(), 0, 0, 0);
    while let Some(bytes) = codec::read_envelope(&mut reader)? {
        let Ok(row) = codec::decode::<Row>(&bytes) else { break };
        let Row { at, length, digest, .. } = row;
        if at != end || at + u64::from(length) > records_length {
            break;
        }
        (end, chain) = (at + u64::from(length), link(chain, digest));
        let row_length = bytes.len() as u32;
        note(&mut places, Place { at, length, row_at, row_length, chain });
        row_at += u64::from(row_length);
    }
    Ok(places)
}

/// Adds a place. There may be a million, and to grow by half of that would be room for nothing.
fn note(places: &mut Vec<Place>, place: Place) {
    if places.len() == places.capacity() {
        places.reserve_exact(1024 + places.len() / 8);
    }
    places.push(place);
}

fn read(file: &File, at: u64, length: u32) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

/// The chain's value after a record.
fn link(before: u32, digest: u64) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&before.to_le_bytes());
    sum.update(&digest.to_le_bytes());
    sum.finalize()
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
