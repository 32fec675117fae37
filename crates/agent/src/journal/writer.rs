//! The thread that writes. It takes all facts that wait, writes them with one sync, and then
//! tells everyone who waited: attempts that start together share a sync.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::{Contents, Fact, Facts, append_line, compact};
use baton_storage::file::write_durably;
use baton_storage::sabotage::{self, Bug};

/// Called when the facts are durable, or can never be known to be.
type Done = Box<dyn FnOnce(Result<(), String>) + Send>;

/// Facts on their way to the disk, and who waits for them.
pub(super) struct Entry {
    facts: Vec<Fact>,
    done: Option<Done>,
}

/// The open journal. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Journal {
    entries: Sender<Entry>,
}

impl Journal {
    /// Goes on with a journal that was read or created, cutting off a torn last line.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn open(path: &Path, contents: Contents) -> io::Result<Journal> {
        let mut writer = Writer::new(path, contents)?;
        let (entries, waiting) = channel();
        thread::Builder::new().name("journal".into()).spawn(move || writer.run(&waiting))?;
        Ok(Journal { entries })
    }

    /// Writes facts and calls `done` once they are durable. After a failed write or sync nothing
    /// is written any more: what is on the disk can then not be known.
    pub(crate) fn append(&self, facts: Vec<Fact>, done: Done) {
        let done = Some(done);
        if let Err(refused) = self.entries.send(Entry { facts, done })
            && let Some(done) = refused.0.done
        {
            done(Err("the journal is closed".into()));
        }
    }

    /// Writes facts that nobody waits for; they become durable with the next that are.
    pub(crate) fn append_lazily(&self, facts: Vec<Fact>) {
        // A closed journal has told everyone who waits, and the agent is ending.
        let _ = self.entries.send(Entry { facts, done: None });
    }
}

/// The thread's own.
pub(super) struct Writer {
    path: PathBuf,
    file: File,
    length: usize,
    compact_at: usize,
    chain: u64,
    incarnation: String,
    facts: Facts,
    /// Syncs made, counted to see that attempts share them.
    #[cfg(test)]
    syncs: u64,
}

impl Writer {
    /// Grown to twice its compact size, and never for less than this many bytes.
    const COMPACT_FROM: usize = 1 << 20;

    pub(super) fn new(path: &Path, contents: Contents) -> io::Result<Writer> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.set_len(contents.length as u64)?;
        file.sync_all()?;
        file.seek(SeekFrom::End(0))?;
        Ok(Writer {
            path: path.to_owned(),
            file,
            length: contents.length,
            compact_at: Writer::compact_at(contents.length),
            chain: contents.chain,
            incarnation: contents.incarnation,
            facts: contents.facts,
            #[cfg(test)]
            syncs: 0,
        })
    }

    fn compact_at(length: usize) -> usize {
        (length * 2).max(Self::COMPACT_FROM)
    }

    pub(super) fn run(&mut self, waiting: &Receiver<Entry>) {
        while let Ok(first) = waiting.recv() {
            let mut entries = vec![first];
            entries.extend(waiting.try_iter());
            let failure = self.write(&mut entries).err().map(|error| {
                let path = self.path.display();
                format!("the journal {path} can no longer be written: {error}")
            });
            for done in entries.into_iter().filter_map(|entry| entry.done) {
                done(failure.clone().map_or(Ok(()), Err));
            }
            if failure.is_some() {
                return;
            }
        }
    }

    fn write(&mut self, entries: &mut [Entry]) -> io::Result<()> {
        let mut bytes = Vec::new();
        let mut awaited = false;
        for entry in entries {
            let intent = matches!(entry.facts[..], [Fact::Started(_)]);
            awaited |= entry.done.is_some() && !(intent && sabotage::planted(Bug::UnsyncedIntent));
            for fact in entry.facts.drain(..) {
                self.facts.absorb(fact.clone());
                append_line(&mut bytes, &mut self.chain, fact);
            }
        }
        self.file.write_all(&bytes)?;
        self.length += bytes.len();
        if awaited {
            self.file.sync_data()?;
            #[cfg(test)]
            {
                self.syncs += 1;
            }
        }
        if self.length >= self.compact_at {
            self.rewrite()?;
        }
        Ok(())
    }

    /// Replaces the file by one with as few lines as possible and the same id.
    fn rewrite(&mut self) -> io::Result<()> {
        let (bytes, chain) = compact(&self.incarnation, &self.facts);
        write_durably(&self.path, &bytes)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.chain = chain;
        self.length = bytes.len();
        self.compact_at = Self::compact_at(self.length);
        tracing::debug!(bytes = self.length, "journal compacted");
        Ok(())
    }
}

#[cfg(test)]
impl Journal {
    /// A journal whose thread is the test itself.
    pub(super) fn sending_to(entries: Sender<Entry>) -> Journal {
        Journal { entries }
    }
}

#[cfg(test)]
impl Writer {
    pub(super) fn syncs(&self) -> u64 {
        self.syncs
    }

    /// From now on nothing can be written.
    pub(super) fn read_only(&mut self, path: &Path) {
        self.file = File::open(path).expect("the journal is there");
    }
}
