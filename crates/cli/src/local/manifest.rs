//! `cluster.json`: what tests, scripts and people read to find a cluster and its processes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::layout::Role;
use super::process::Process;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// For `--servers` and `BATON_SERVERS`.
    pub(crate) servers: String,
    console: Option<String>,
    processes: Vec<Entry>,
}

/// One process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    region: String,
    pid: u32,
    address: Option<String>,
    data_dir: PathBuf,
    log: PathBuf,
    /// Starts it again, once it has ended.
    command: Vec<String>,
}

const FILE: &str = "cluster.json";

impl Manifest {
    pub(crate) fn of(servers: &[String], processes: &[Process]) -> Self {
        Self { servers: servers.join(","), console: None, processes: processes.iter().map(entry).collect() }
    }

    /// Replaces the file in one step: a reader sees the old one or the new one, whole.
    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        let fresh = dir.join(format!("{FILE}.new"));
        fs::write(&fresh, text)?;
        fs::rename(fresh, dir.join(FILE))
    }

    /// What was written last time, if it can be read.
    pub(crate) fn read(dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(dir.join(FILE)).ok()?).ok()
    }

    /// The servers' addresses in the order of their ids.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.processes.iter().filter_map(|process| process.address.clone()).collect()
    }

    /// Nobody shall take processes for running that are not.
    pub(crate) fn remove(dir: &Path) {
        let stopped = dir.join(format!("{FILE}.stopped"));
        let _ = fs::rename(dir.join(FILE), stopped);
    }

    /// [`Manifest::read`] for a cluster that was stopped.
    pub(crate) fn read_stopped(dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(dir.join(format!("{FILE}.stopped"))).ok()?).ok()
    }
}

fn entry(process: &Process) -> Entry {
    let member = process.member();
    let (role, id, name, address) = match &member.role {
        Role::Server { id, address } => ("server", Some(*id), None, Some(address.clone())),
        Role::Agent { name } => ("agent", None, Some(name.clone()), None),
    };
    Entry {
        role: role.to_owned(),
        id,
        name,
        region: member.region.clone(),
        pid: process.pid(),
        address,
        data_dir: member.data_dir.clone(),
        log: member.log.clone(),
        command: member.command.clone(),
    }
}
