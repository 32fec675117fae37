//! Baton as it is measured: `baton dev`, three coordinators and an agent in each of three regions, as real processes.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use baton_client::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::time::sleep;

use crate::Bench;
use crate::bound::die_with_us;

const PATIENCE: Duration = Duration::from_secs(30);
/// One coordinator's share of it: it asks the others, one of which may be coming up.
const ATTEMPT: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(10);

/// A running cluster; what was started is ended when it is dropped.
pub(crate) struct Place {
    _dir: tempfile::TempDir,
    path: PathBuf,
    dev: Child,
    manifest: Manifest,
    ours: Vec<Child>,
}

#[derive(Deserialize)]
struct Manifest {
    servers: String,
    processes: Vec<Process>,
}

#[derive(Deserialize, Clone)]
struct Process {
    role: String,
    id: Option<u64>,
    pid: u32,
    log: PathBuf,
    command: Vec<String>,
}

impl Place {
    /// Starts it and waits until somebody leads and every agent is there.
    ///
    /// # Errors
    /// If it does not come up within half a minute.
    pub(crate) async fn start(bench: &Bench) -> anyhow::Result<Place> {
        Place::start_logging(bench, "warn").await
    }

    /// As [`Place::start`]; the processes log what `BATON_LOG` would say.
    ///
    /// # Errors
    /// If it does not come up within half a minute.
    pub(crate) async fn start_logging(bench: &Bench, log: &str) -> anyhow::Result<Place> {
        let dir = tempfile::Builder::new().prefix("baton-").tempdir_in(&bench.dir)?;
        let path = dir.path().to_owned();
        let mut dev = Command::new(&bench.binary);
        dev.args(["dev", "--dir"]).arg(&path).env("BATON_LOG", log);
        dev.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // What it has started is bound to it in turn.
        die_with_us(&mut dev);
        let dev = dev.spawn()?;
        let manifest = Manifest { servers: String::new(), processes: Vec::new() };
        let mut place = Place { _dir: dir, path, dev, manifest, ours: Vec::new() };
        let since = Instant::now();
        loop {
            if let Ok(text) = fs::read(place.path.join("cluster.json"))
                && let Ok(manifest) = serde_json::from_slice(&text)
            {
                place.manifest = manifest;
                break;
            }
            if since.elapsed() > PATIENCE {
                bail!("the cluster did not come up");
            }
            sleep(LOOK).await;
        }
        place.whole().await?;
        Ok(place)
    }

    /// A client of its own.
    ///
    /// # Errors
    /// If the addresses are not understood.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::connect(&self.servers())?)
    }

    /// Where the coordinators listen.
    pub(crate) fn servers(&self) -> Vec<String> {
        self.manifest.servers.split(',').map(str::to_owned).collect()
    }

    /// Where everything is.
    pub(crate) fn dir(&self) -> &Path {
        &self.path
    }

    /// The coordinators' process ids, by their own.
    pub(crate) fn coordinators(&self) -> Vec<(u64, u32)> {
        let servers = self.manifest.processes.iter().filter(|process| process.role == "server");
        servers.filter_map(|process| Some((process.id?, process.pid))).collect()
    }

    /// Every process's log, with the id of a coordinator.
    pub(crate) fn logs(&self) -> impl Iterator<Item = (Option<u64>, &Path)> {
        self.manifest.processes.iter().map(|process| (process.id, process.log.as_path()))
    }

    /// A coordinator's process id.
    ///
    /// # Errors
    /// If there is no such coordinator.
    pub(crate) fn pid(&self, id: u64) -> anyhow::Result<u32> {
        let of = self.coordinators().into_iter().find(|(own, _)| *own == id);
        of.map(|(_, pid)| pid).context("no such coordinator")
    }

    /// Who leads.
    ///
    /// # Errors
    /// If nobody does within half a minute.
    pub(crate) async fn leader(&self) -> anyhow::Result<u64> {
        let client = self.client()?.with_attempt(ATTEMPT);
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if let Ok(status) = client.cluster_status().await
                && let Some(leader) = status.leader
            {
                return Ok(leader);
            }
            sleep(LOOK).await;
        }
        bail!("nobody leads")
    }

    /// Sends a coordinator a signal.
    ///
    /// # Errors
    /// If there is no such coordinator, or it has ended.
    pub(crate) fn signal(&self, id: u64, signal: Signal) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.pid(id)?.cast_signed()).context("no such coordinator")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Starts a coordinator again after its end.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) async fn restart(&mut self, id: u64) -> anyhow::Result<()> {
        let found = self.manifest.processes.iter_mut().find(|process| process.id == Some(id));
        let process = found.context("no such coordinator")?;
        while Path::new(&format!("/proc/{}/fd/0", process.pid)).exists() {
            sleep(LOOK).await;
        }
        let child = spawn(&process.command, &process.log)?;
        process.pid = child.id();
        self.ours.push(child);
        Ok(())
    }

    /// Starts one more coordinator, which waits to be added; its id, and the address at which it answers.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn newcomer(&mut self, region: &str) -> anyhow::Result<(u64, String)> {
        let known = self.coordinators().into_iter().map(|(id, _)| id).max().context("no coordinator")?;
        let (id, role) = (known + 1, "server".to_owned());
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let (baton, first) = (&self.manifest.processes[0].command[0], &self.servers()[0]);
        let data = self.path.join("servers").join(id.to_string());
        let flags = [
            ("--id", id.to_string()),
            ("--region", region.to_owned()),
            ("--listen", address.clone()),
            ("--data-dir", data.display().to_string()),
            ("--join", first.clone()),
        ];
        let flags = flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]);
        let command = [baton.clone(), role.clone()].into_iter().chain(flags).collect();
        let log = self.path.join("logs").join(format!("server-{id}.log"));
        let mut process = Process { role, id: Some(id), pid: 0, log, command };
        let child = spawn(&process.command, &process.log)?;
        process.pid = child.id();
        self.manifest.processes.push(process);
        self.ours.push(child);
        Ok((id, address))
    }

    /// Waits until every member has applied what the leader has, and every agent is live.
    ///
    /// # Errors
    /// If that takes more than half a minute.
    pub(crate) async fn whole(&self) -> anyhow::Result<()> {
        let client = self.client()?.with_attempt(ATTEMPT);
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            if let Ok(status) = client.cluster_status().await
                && status.leader.is_some()
                && status.agents.len() == 3
                && status.agents.iter().all(|agent| agent.status == "live")
                && status
                    .members
                    .iter()
                    .all(|member| member.reachable && member.applied == status.members[0].applied)
            {
                return Ok(());
            }
            sleep(LOOK).await;
        }
        bail!("the cluster is not whole: {:?}", client.cluster_status().await)
    }

    /// Registers a plan.
    ///
    /// # Errors
    /// As the client's.
    pub(crate) async fn register(&self, source: &str) -> anyhow::Result<()> {
        self.client()?.register_plan(source, &origin()).await?;
        Ok(())
    }
}

/// Starts a coordinator or an agent, which dies with this process.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn spawn(command: &[String], log: &Path) -> anyhow::Result<Child> {
    let log = fs::File::options().create(true).append(true).open(log)?;
    let mut started = Command::new(&command[0]);
    started.args(&command[1..]).env("BATON_LOG", "warn");
    started.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    die_with_us(&mut started);
    Ok(started.spawn()?)
}

/// Who asks.
pub(crate) fn origin() -> baton_client::Origin {
    baton_client::Origin::new("bench")
}

impl Drop for Place {
    fn drop(&mut self) {
        for child in &mut self.ours {
            // It may have been ended before.
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(pid) = Pid::from_raw(self.dev.id().cast_signed()) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = self.dev.wait();
    }
}
