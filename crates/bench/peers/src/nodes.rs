//! Restate's servers, with their defaults but for where they listen and how many hold what is written.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;

use crate::bound::die_with_us;

/// Each listens for the others, for those who start runs, and for those who administer it.
const PORTS: usize = 3;

/// Running servers; ended when dropped.
pub(crate) struct Nodes {
    processes: Vec<Child>,
    metrics: Vec<String>,
    ingresses: Vec<String>,
    admin: String,
    server: PathBuf,
    partitions: usize,
    dir: tempfile::TempDir,
}

impl Nodes {
    /// Starts so many, for runs that are spread over so many partitions; they have not come up yet.
    ///
    /// # Errors
    /// If one cannot be started.
    pub(crate) fn start(server: &Path, count: usize, partitions: usize, dir: &Path) -> anyhow::Result<Nodes> {
        let dir = tempfile::Builder::new().prefix("restate-").tempdir_in(dir.canonicalize()?)?;
        let held: Vec<_> =
            (0..count * PORTS).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
        let addresses: Vec<_> =
            held.iter().map(|held| Ok(held.local_addr()?.to_string())).collect::<std::io::Result<_>>()?;
        drop(held);
        let fabric: Vec<_> = addresses.iter().step_by(PORTS).cloned().collect();
        let mut nodes = Nodes {
            processes: Vec::new(),
            metrics: fabric.iter().map(|at| format!("http://{at}/metrics")).collect(),
            ingresses: addresses.iter().skip(1).step_by(PORTS).map(|at| format!("http://{at}")).collect(),
            admin: format!("http://{}", addresses.get(2).context("no node is asked for")?),
            server: server.to_owned(),
            partitions,
            dir,
        };
        for (number, listens) in addresses.chunks(PORTS).enumerate() {
            let process = nodes.spawn(number, &settings(number, listens, &fabric, partitions))?;
            nodes.processes.push(process);
        }
        Ok(nodes)
    }

    fn spawn(&self, number: usize, settings: &str) -> anyhow::Result<Child> {
        let home = self.dir.path().join(number.to_string());
        fs::create_dir(&home)?;
        fs::write(home.join("restate.toml"), settings)?;
        let mut command = Command::new(&self.server);
        command.args(["--no-logo", "--config-file", "restate.toml", "--base-dir", "data"]).current_dir(&home);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(home.join("log"))?);
        die_with_us(&mut command);
        Ok(command.spawn()?)
    }

    /// Where each tells how it is doing.
    pub(crate) fn metrics(&self) -> &[String] {
        &self.metrics
    }

    /// Each is led by one server.
    pub(crate) fn partitions(&self) -> usize {
        self.partitions
    }

    /// Where runs are started, on each.
    pub(crate) fn ingresses(&self) -> &[String] {
        &self.ingresses
    }

    /// Where services are made known.
    pub(crate) fn admin(&self) -> &str {
        &self.admin
    }

    /// The server's name and version.
    ///
    /// # Errors
    /// If it does not tell.
    pub(crate) fn version(&self) -> anyhow::Result<String> {
        let told = Command::new(&self.server).arg("--version").output()?;
        Ok(String::from_utf8(told.stdout)?.trim().to_owned())
    }
}

/// The first makes the cluster, which the others join.
fn settings(number: usize, listens: &[String], fabric: &[String], partitions: usize) -> String {
    let [own, ingress, admin] = [0, 1, 2].map(|port| &listens[port]);
    let all: Vec<_> = fabric.iter().map(|address| format!("\"http://{address}/\"")).collect();
    let (first, holders, all) = (number == 0, fabric.len().min(2), all.join(", "));
    format!(
        "node-name = \"node-{number}\"\ncluster-name = \"peers\"\nauto-provision = {first}\n\
         default-num-partitions = {partitions}\n\
         default-replication = {holders}\nlisten-mode = \"tcp\"\ndisable-telemetry = true\nlog-filter = \"error\"\n\
         bind-address = \"{own}\"\nadvertised-address = \"http://{own}/\"\n\
         [ingress]\nbind-address = \"{ingress}\"\n[admin]\nbind-address = \"{admin}\"\n\
         [metadata-client]\naddresses = [{all}]\n"
    )
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for process in &mut self.processes {
            // It may have ended before.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
