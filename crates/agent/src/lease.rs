//! The agent's lease: until when it may start something new. It runs from the moment in which
//! the renewal was *sent*, on the boot clock, so that nothing that happens to the answer makes it
//! longer than the leader thinks.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use baton_storage::codec::{self, Record};
use serde::{Deserialize, Serialize};

/// The renewals of one session, under way and answered.
#[derive(Debug)]
pub struct Renewals {
    lease_ns: u64,
    sequence: u64,
    answered: u64,
    sent_ns: BTreeMap<u64, u64>,
    heard_ns: u64,
}

impl Renewals {
    /// For a session that began at `now_ns`.
    pub fn new(lease_ms: u64, now_ns: u64) -> Renewals {
        Renewals {
            lease_ns: lease_ms.saturating_mul(1_000_000),
            sequence: 0,
            answered: 0,
            sent_ns: BTreeMap::new(),
            heard_ns: now_ns,
        }
    }

    /// The next renewal, sent now: its sequence, and the highest one that was answered.
    pub fn send(&mut self, now_ns: u64) -> (u64, u64) {
        self.sequence += 1;
        self.sent_ns.insert(self.sequence, now_ns);
        (self.sequence, self.answered)
    }

    /// An answer arrived: until when the lease runs. An answer to nothing that was sent counts
    /// for nothing.
    pub fn answered(&mut self, sequence: u64) -> Option<u64> {
        let sent_ns = self.sent_ns.remove(&sequence)?;
        self.sent_ns = self.sent_ns.split_off(&sequence);
        self.answered = self.answered.max(sequence);
        Some(sent_ns.saturating_add(self.lease_ns))
    }

    /// The leader said something, whatever it was: it is there.
    pub fn heard(&mut self, now_ns: u64) {
        self.heard_ns = now_ns;
    }

    /// How long the leader has said nothing, nanoseconds.
    pub fn silent_ns(&self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.heard_ns)
    }
}

/// The deadline as the supervisors read it: `lease` in the data folder. It is not synced, for a
/// power cut begins another boot, in which it means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deadline {
    pub(crate) boot: String,
    pub(crate) until_ns: u64,
}

impl Record for Deadline {
    const MAGIC: u8 = 0xa6;
    const VERSION: u16 = 1;
}

impl Deadline {
    /// Puts the deadline in place whole.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn write(&self, home: &Path) -> io::Result<()> {
        let draft = home.join("lease.new");
        fs::write(&draft, codec::encode(self))?;
        fs::rename(draft, home.join("lease"))
    }

    /// Until when the lease runs on this boot; zero where nothing readable says so.
    pub(crate) fn read(home: &Path, boot: &str) -> u64 {
        let bytes = fs::read(home.join("lease")).unwrap_or_default();
        match codec::decode::<Deadline>(&bytes) {
            Ok(deadline) if deadline.boot == boot => deadline.until_ns,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn the_lease_runs_from_the_sending_of_what_was_answered() {
        let mut renewals = Renewals::new(5000, 0);
        assert_eq!(renewals.send(10 * MS), (1, 0));
        assert_eq!(renewals.send(1010 * MS), (2, 0));
        assert_eq!(renewals.answered(2), Some(6010 * MS));
        assert_eq!(renewals.answered(1), None, "older than what is known");
        assert_eq!(renewals.answered(7), None, "was never sent");
        assert_eq!(renewals.send(2010 * MS), (3, 2));
        renewals.heard(2100 * MS);
        assert_eq!(renewals.silent_ns(2500 * MS), 400 * MS);
    }

    #[test]
    fn a_deadline_of_another_boot_or_damaged_is_none() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(Deadline::read(home.path(), "b1"), 0);
        let deadline = Deadline { boot: "b1".into(), until_ns: 7 };
        deadline.write(home.path()).unwrap();
        assert_eq!(Deadline::read(home.path(), "b1"), 7);
        assert_eq!(Deadline::read(home.path(), "b2"), 0);
        fs::write(home.path().join("lease"), b"nonsense").unwrap();
        assert_eq!(Deadline::read(home.path(), "b1"), 0);
    }
}
