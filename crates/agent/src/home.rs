//! The agent's data folder at start: one agent at a time, and a memory that can be trusted or a
//! new identity.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use baton_storage::file::{create_folder_durably, sync_folder};
use baton_storage::log::random_id;
use rustix::fs::{FlockOperation, flock};

use crate::attempt::Report;
use crate::host;
use crate::journal::{self, Contents, Error, Fact, Facts};
use crate::{shelf, sweep};

/// Looks at a lock that is held before it counts as held: an agent that was just killed takes a
/// moment to be gone.
const PATIENCE: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// The data folder, locked for as long as this lives.
pub(crate) struct Home {
    path: PathBuf,
    _lock: File,
}

impl Home {
    /// Opens the folder, and makes it where it is missing.
    ///
    /// # Errors
    /// If another agent uses it, or the file system refuses.
    pub(crate) fn open(data_dir: &Path) -> anyhow::Result<Home> {
        let shown = data_dir.display();
        create_folder_durably(data_dir).with_context(|| format!("the data folder {shown} cannot be made"))?;
        let path = fs::canonicalize(data_dir)?;
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).write(true);
        let lock = options.open(path.join("lock"))?;
        let mut tries = PATIENCE;
        loop {
            match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Home { path, _lock: lock }),
                Err(rustix::io::Errno::WOULDBLOCK) if tries > 0 => thread::sleep(PAUSE),
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    bail!("another agent is using {shown}: stop it, or give this one a --data-dir of its own")
                }
                Err(error) => return Err(error).context(format!("{shown}/lock cannot be locked")),
            }
            tries -= 1;
        }
    }

    /// Absolute, without links: what the environment of every step names.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }

    /// What [`Home::recall`] finds, with a folder for the attempts to come.
    ///
    /// # Errors
    /// If a newer Baton wrote the journal, or the file system refuses.
    pub(crate) fn recover(&self) -> anyhow::Result<Contents> {
        let contents = self.recall()?;
        let attempts = self.path.join("attempts");
        create_folder_durably(&attempts)?;
        shelf::clear(&attempts)?;
        Ok(contents)
    }

    /// The journal as it stands; or, where it is lost or damaged, a new one, after everything that
    /// the old one's attempts left on this host has been ended.
    fn recall(&self) -> anyhow::Result<Contents> {
        let why = match journal::read(&self.journal()) {
            Ok(contents) => match self.evidence_of_loss(&contents.facts)? {
                None => {
                    self.clear_leftovers(&contents.facts)?;
                    return Ok(contents);
                }
                Some(token) => {
                    format!("it knows nothing of the attempt with token {token}, which acted")
                }
            },
            Err(why @ (Error::Missing | Error::Damaged { .. })) => why.to_string(),
            Err(error) => return Err(error.into()),
        };
        let kept = self.set_aside()?;
        let reports = sweep::end_predecessors(&self.path)?;
        let incarnation = random_id()?;
        let kept = kept.map(|kept| kept.display().to_string());
        tracing::info!(%incarnation, why, kept, "a new journal begins; this host has been swept");
        let facts = salvage(reports);
        Ok(journal::create(&self.journal(), &incarnation, &facts)?)
    }

    /// An attempt that acted and of which the journal says nothing: the journal has been cut.
    fn evidence_of_loss(&self, facts: &Facts) -> anyhow::Result<Option<u64>> {
        for (token, folder) in sweep::folders(&self.path.join("attempts"))? {
            let seen = folder.seen_unlocked();
            if facts.open.contains_key(&token) || !(seen.executing || seen.exit.is_some()) {
                continue;
            }
            let assignment = folder.assignment();
            let explained = assignment.is_ok_and(|assignment| {
                let newest = facts.newest.of(&assignment.key);
                assignment.probe || newest.is_some_and(|newest| newest >= token)
            });
            if !explained {
                return Ok(Some(token));
            }
        }
        Ok(None)
    }

    /// Removes what a predecessor asked (probes) and what was acknowledged right before it died.
    fn clear_leftovers(&self, facts: &Facts) -> anyhow::Result<()> {
        let boot = host::boot_id()?;
        for (token, folder) in sweep::folders(&self.path.join("attempts"))? {
            if facts.open.contains_key(&token) {
                continue;
            }
            if folder.exit().is_none() {
                sweep::end_attempt(&self.path, token, folder.identity(), &boot);
            }
            folder.remove()?;
        }
        Ok(sweep::remove_unused_cgroups(&self.path)?)
    }

    fn set_aside(&self) -> anyhow::Result<Option<PathBuf>> {
        let journal = self.journal();
        if !journal.exists() {
            return Ok(None);
        }
        let names = (1..).map(|number| self.path.join(format!("journal.damaged-{number}")));
        let mut free = names.filter(|name| !name.exists());
        let kept = free.next().context("no free name for the damaged journal")?;
        fs::rename(&journal, &kept)?;
        sync_folder(&self.path)?;
        Ok(Some(kept))
    }
}

/// Ends that are on disk although the journal is lost: they may resolve a doubt (R7).
fn salvage(reports: Vec<Report>) -> Facts {
    let mut facts = Facts::default();
    for report in reports {
        facts.absorb(Fact::Finished(report));
    }
    facts
}
