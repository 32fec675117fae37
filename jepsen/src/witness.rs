//! What the targets of steps have seen: files that are only appended to and synced at every line, owned by the suite
//! and out of reach of every fault. The witness of an effect is the target's, never Baton's.

pub(crate) mod acting;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::edn;

/// One line of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// On the machine's monotonic clock; in `witness.edn`, since the beginning of the test.
    pub(crate) time: u64,
    /// `began`, `applied`, `ended`, or `refused` by a target that knows a newer token.
    pub(crate) what: String,
    pub(crate) run: String,
    pub(crate) step: String,
    pub(crate) attempt: u64,
    pub(crate) token: u64,
    pub(crate) direction: String,
    /// The same for all attempts at this step.
    pub(crate) request: String,
    /// What it happened to: a lock's, a resource's or a fenced target's name; empty for the step's own file.
    pub(crate) subject: String,
    /// The step's repeat class: `I` idempotent, `P` not idempotent with a probe, `N` without one.
    pub(crate) class: String,
    pub(crate) pid: u32,
}

/// An effect by name: which run, which step, which way.
pub(crate) type Key = (String, String, String);

impl Seen {
    pub(crate) fn key(&self) -> Key {
        (self.run.clone(), self.step.clone(), self.direction.clone())
    }

    /// Appends it, durably, in a single write: lines of different processes never mix.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn append(&self, path: &Path) -> anyhow::Result<()> {
        let mut line = serde_json::to_string(self)?;
        line.push('\n');
        let mut file = fs::File::options().create(true).append(true).open(path)?;
        file.write_all(line.as_bytes())?;
        file.sync_data()?;
        Ok(())
    }
}

/// What one target has seen. A last line that was cut short by the death of its writer counts as not written.
///
/// # Errors
/// If it cannot be read, or holds what nobody wrote.
pub(crate) fn read_target(path: &Path) -> anyhow::Result<Vec<Seen>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let line = |line| serde_json::from_str(line).with_context(|| format!("{}: {line}", path.display()));
    whole.lines().map(line).collect()
}

/// What all targets have seen, each in its own order, with times since `origin_ns`.
///
/// # Errors
/// As [`read_target`].
pub(crate) fn gather(folder: &Path, origin_ns: u64) -> anyhow::Result<Vec<Seen>> {
    let mut targets: Vec<_> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    targets.sort();
    let mut seen = Vec::new();
    for path in targets.iter().filter(|path| path.extension().is_some_and(|ending| ending == "jsonl")) {
        seen.extend(read_target(path)?);
    }
    for line in &mut seen {
        line.time = line.time.saturating_sub(origin_ns);
    }
    Ok(seen)
}

/// `witness.edn`.
pub(crate) fn written(seen: &[Seen]) -> anyhow::Result<String> {
    let mut text = String::new();
    for line in seen {
        text.push_str(&edn::written(&serde_json::to_value(line)?));
        text.push('\n');
    }
    Ok(text)
}

/// Reads `witness.edn`.
///
/// # Errors
/// If it is not EDN, or lacks what a line must have.
pub(crate) fn read(text: &str) -> anyhow::Result<Vec<Seen>> {
    let line = |value| serde_json::from_value(value).context("a line of the witness is not understood");
    edn::read_all(text)?.into_iter().map(line).collect()
}

/// Lines of the steps' own files by effect; what is about locks and the like is left out.
pub(crate) fn by_effect<'a>(seen: &'a [Seen], what: &str) -> BTreeMap<Key, Vec<&'a Seen>> {
    let mut effects: BTreeMap<Key, Vec<&Seen>> = BTreeMap::new();
    for line in seen.iter().filter(|line| line.what == what && line.subject.is_empty()) {
        effects.entry(line.key()).or_default().push(line);
    }
    effects
}
