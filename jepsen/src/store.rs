//! `store/<test>/<time>/`: everything that is known of one test.
//!
//! `history.edn` · `witness.edn` · `last.edn` (the cluster's last state) · `results.edn` · `plan.edn` (the faults) · `test.edn` (seed,
//! workloads, nemeses, the command that runs it again) · `index.html` · `logs/` · `witness/` (the targets' own files)

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::checker::{Evidence, logs_of};
use crate::{edn, generator, history, last, witness};

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Test {
    pub(crate) name: String,
    pub(crate) seed: u64,
    pub(crate) workloads: Vec<String>,
    pub(crate) nemeses: Vec<String>,
    /// Those that were asked for by name: skipping them satisfies nobody.
    pub(crate) insisted: Vec<String>,
    pub(crate) time_limit_ms: u64,
    /// How far regions are from each other.
    pub(crate) round_trip_ms: u64,
    pub(crate) jitter_ms: u64,
    /// `isolated`, or why not.
    pub(crate) sandbox: String,
    /// On the machine's monotonic clock.
    pub(crate) origin_ns: u64,
    /// What to type to run it again.
    pub(crate) again: String,
}

/// The folder of one test.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) folder: PathBuf,
}

impl Store {
    /// Makes a new folder.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn create(base: &Path, name: &str) -> anyhow::Result<Store> {
        let now = jiff::Timestamp::now().to_string().replace(':', "-");
        let folder = base.join(name).join(now);
        for part in ["logs", "witness"] {
            let part = folder.join(part);
            fs::create_dir_all(&part).with_context(|| format!("cannot make {}", part.display()))?;
        }
        Ok(Store { folder: fs::canonicalize(folder)? })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// # Errors
    /// Those of the file system.
    pub(crate) fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    fn read(&self, name: &str) -> anyhow::Result<String> {
        let path = self.path(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write_test(&self, test: &Test) -> anyhow::Result<()> {
        self.write("test.edn", &edn::written(&serde_json::to_value(test)?))
    }

    /// # Errors
    /// If it is not there or not understood.
    pub(crate) fn read_test(&self) -> anyhow::Result<Test> {
        let value = edn::read_all(&self.read("test.edn")?)?.into_iter().next().unwrap_or_default();
        Ok(serde_json::from_value(value)?)
    }

    /// # Errors
    /// If it is not there or not understood.
    pub(crate) fn read_plan(&self) -> anyhow::Result<Vec<generator::Round>> {
        generator::read(&self.read("plan.edn")?)
    }

    /// Everything that can be judged, as far as it is there: a history alone is enough.
    ///
    /// # Errors
    /// If the history is not there, or something that is there is not understood.
    pub(crate) fn evidence(&self, history_name: &str) -> anyhow::Result<Evidence> {
        let test = self.read_test().unwrap_or_default();
        let mut evidence = Evidence {
            history: history::read(&self.read(history_name)?)?,
            nemeses: test.nemeses,
            insisted: test.insisted.into_iter().collect(),
            ..Evidence::default()
        };
        if self.path("witness.edn").exists() {
            evidence.witness = witness::read(&self.read("witness.edn")?)?;
        }
        if self.path("last.edn").exists() {
            evidence.last = Some(last::read(&self.read("last.edn")?)?);
        }
        for entry in fs::read_dir(self.path("logs")).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let text = String::from_utf8_lossy(&fs::read(entry.path())?).into_owned();
            evidence.alarms.extend(logs_of(&name, &text));
        }
        Ok(evidence)
    }
}
