//! Taking faults back.

use std::path::PathBuf;

use crate::cluster::Cluster;
use crate::cluster::disk::BentSyncs;

/// What takes one fault back.
#[derive(Debug)]
pub(crate) enum Mend {
    /// It is started, if it does not run.
    Start(String),
    /// It, and what it started, goes on.
    Thaw(String),
    /// All wires carry everything.
    Connect,
    /// Its disk comes back with what was synced, and its processes with it.
    Power(String),
    /// Its disk has room again; it is started, if it did not survive.
    Room(String),
    /// Its syncs are as they were.
    Syncs(String, BentSyncs),
    /// Its wall clock is right again.
    Clock(String),
    /// Its own data, put aside while it was tried with nothing, comes back.
    Data { name: String, aside: PathBuf },
    /// Its flipped byte is flipped back, if it did not start with it.
    Byte { name: String, file: PathBuf, at: u64 },
}

/// Takes it back.
///
/// # Errors
/// If the system refuses: then the test cannot go on.
pub(crate) fn mend(cluster: &mut Cluster, mend: Mend) -> anyhow::Result<()> {
    match mend {
        Mend::Start(name) => start(cluster, &name),
        Mend::Thaw(name) => {
            cluster.node(&name).thaw();
            Ok(())
        }
        Mend::Connect => cluster.connect(),
        Mend::Power(name) => {
            let node = cluster.node(&name);
            node.new_boot()?;
            if let Some(disk) = &node.disk {
                disk.restore_power()?;
            }
            start(cluster, &name)
        }
        Mend::Room(name) => {
            if let Some(disk) = &cluster.node(&name).disk {
                disk.empty();
            }
            start(cluster, &name)
        }
        Mend::Syncs(name, bent) => {
            drop(bent);
            start(cluster, &name)
        }
        Mend::Clock(name) => cluster.node(&name).set_clock("+0").map(|_| ()),
        Mend::Data { name, aside } => {
            let node = cluster.node_mut(&name);
            node.kill();
            let data = node.data_dir();
            if data.exists() {
                std::fs::remove_dir_all(&data)?;
            }
            std::fs::rename(&aside, &data)?;
            start(cluster, &name)
        }
        Mend::Byte { name, file, at } => {
            // One that runs was not hurt, and has written since: what stands there now is its own.
            if cluster.node_mut(&name).is_running() {
                return Ok(());
            }
            super::data::flip(&file, at)?;
            start(cluster, &name)
        }
    }
}

fn start(cluster: &mut Cluster, name: &str) -> anyhow::Result<()> {
    let node = cluster.node_mut(name);
    if node.is_running() { Ok(()) } else { node.start() }
}
