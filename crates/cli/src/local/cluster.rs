//! Starting everyone, waiting until they work together, and ending everyone.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use baton_client::Client;
use baton_client::view::ClusterStatus;
use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::layout::{Layout, Role};
use super::manifest::Manifest;
use super::process::{Process, end_in_words};
use super::{ports, steps};
use crate::failure::{Failure, io};

/// How long everyone may take to be there.
const READY: Duration = Duration::from_secs(60);
/// How long a process may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at what is being waited for.
const LOOK: Duration = Duration::from_millis(25);
/// A port that was free a moment ago may be taken when a server listens: then all is begun again.
const STARTS: usize = 3;

/// A cluster that runs.
#[derive(Debug)]
pub(crate) struct Cluster {
    layout: Layout,
    servers: Vec<String>,
    processes: Vec<Process>,
    client: Client,
    /// Held for as long as it runs: two clusters in one folder would ruin each other.
    _lock: File,
}

impl Cluster {
    /// Starts everyone and returns when there is a leader and every agent is live. Data that is in
    /// the folder is used again, and so are last time's ports where they are free.
    pub(crate) async fn start(layout: Layout) -> Result<Self, Failure> {
        let lock = lock(&layout.dir)?;
        let last_time = Manifest::read(&layout.dir).or_else(|| Manifest::read_stopped(&layout.dir));
        let last_time = last_time.map(|manifest| manifest.addresses()).unwrap_or_default();
        let is_new = !layout.dir.join("servers").exists();
        for left in (0..STARTS).rev() {
            let lock = lock.try_clone().map_err(io("the lock"))?;
            let mut cluster = Self::launch(layout.clone(), &last_time, lock)?;
            let Err(failure) = cluster.ready().await else {
                cluster.write_manifest()?;
                return Ok(cluster);
            };
            let clash = cluster.has_clashed();
            cluster.stop().await;
            if !(clash && is_new && left > 0) {
                return Err(failure);
            }
            for folder in ["servers", "agents", "logs"] {
                let _ = fs::remove_dir_all(layout.dir.join(folder));
            }
        }
        Err(Failure::ours("no free ports were found"))
    }

    fn launch(layout: Layout, last_time: &[String], lock: File) -> Result<Self, Failure> {
        let baton = std::env::current_exe().map_err(io("this program's own file cannot be found"))?;
        let servers = ports::choose(last_time, layout.regions.len()).map_err(io("no port is free"))?;
        let client = Client::connect(&servers)?;
        let mut processes = Vec::new();
        for member in layout.members(&baton, &servers) {
            let title = member.role.title();
            processes.push(Process::start(member).map_err(io(format!("{title} cannot be started")))?);
        }
        Ok(Self { layout, servers, processes, client, _lock: lock })
    }

    async fn ready(&mut self) -> Result<(), Failure> {
        let until = Instant::now() + READY;
        let client = self.client.clone().with_deadline(Duration::from_secs(2));
        loop {
            if let Some(failure) = self.processes.iter_mut().find_map(too_early) {
                return Err(failure);
            }
            let status = client.cluster_status().await;
            if status.as_ref().is_ok_and(|status| self.is_whole(status)) {
                return Ok(());
            }
            if Instant::now() > until {
                let seen = status.map_or_else(|error| error.to_string(), |status| format!("{status:?}"));
                let logs = self.layout.dir.join("logs");
                return Err(Failure::ours(format!("the cluster did not come together: {seen}"))
                    .hint(format!("see why in {}", logs.display())));
            }
            sleep(LOOK).await;
        }
    }

    fn is_whole(&self, status: &ClusterStatus) -> bool {
        let live = status.agents.iter().filter(|agent| agent.status == "live").count();
        status.leader.is_some() && live >= self.layout.regions.len() * self.layout.agents_per_region
    }

    fn has_clashed(&self) -> bool {
        let logs = self.processes.iter().map(|process| &process.member().log);
        logs.filter_map(|log| fs::read_to_string(log).ok()).any(|log| log.contains("cannot listen"))
    }

    /// For `--servers`.
    pub(crate) fn servers(&self) -> &[String] {
        &self.servers
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn processes(&mut self) -> &mut [Process] {
        &mut self.processes
    }

    /// The coordinator of this id.
    pub(crate) fn server(&mut self, id: u64) -> Option<&mut Process> {
        let is_it = |process: &&mut Process| matches!(process.member().role, Role::Server { id: its, .. } if its == id);
        self.processes.iter_mut().find(is_it)
    }

    /// Writes who runs where, for others to read.
    pub(crate) fn write_manifest(&self) -> Result<(), Failure> {
        let manifest = Manifest::of(&self.servers, &self.processes);
        manifest.write(&self.layout.dir).map_err(io("cluster.json cannot be written"))
    }

    /// Ends everyone: the agents first, then what they left running, then the servers.
    pub(crate) async fn stop(mut self) {
        self.end(|role| matches!(role, Role::Agent { .. })).await;
        steps::end_below(&self.layout.dir);
        self.end(|role| matches!(role, Role::Server { .. })).await;
        Manifest::remove(&self.layout.dir);
    }

    async fn end(&mut self, which: impl Fn(&Role) -> bool) {
        let mut ending: Vec<_> =
            self.processes.iter_mut().filter(|process| which(&process.member().role)).collect();
        for process in &mut ending {
            process.signal(Signal::TERM);
            // A process that somebody has stopped cannot hear before it goes on.
            process.signal(Signal::CONT);
        }
        let until = Instant::now() + PATIENCE;
        while ending.iter_mut().any(|process| process.ended().is_none()) {
            if Instant::now() > until {
                ending.iter_mut().for_each(|process| process.signal(Signal::KILL));
            }
            sleep(LOOK).await;
        }
    }
}

/// A process that has ended before it was asked to, as a failure with the end of its log.
fn too_early(process: &mut Process) -> Option<Failure> {
    let status = process.ended()?;
    let member = process.member();
    let log = fs::read_to_string(&member.log).unwrap_or_default();
    let last = log.trim_end().lines().last().unwrap_or_default();
    let message = format!("{} {}: {last}", member.role.title(), end_in_words(status));
    Some(Failure::ours(message).hint(format!("its log: {}", member.log.display())))
}

/// A cluster that is given up in the middle leaves nobody behind either.
impl Drop for Cluster {
    fn drop(&mut self) {
        self.processes.iter_mut().for_each(|process| process.signal(Signal::KILL));
        steps::end_below(&self.layout.dir);
    }
}

fn lock(dir: &Path) -> Result<File, Failure> {
    fs::create_dir_all(dir).map_err(io(format!("{} cannot be made", dir.display())))?;
    let path = dir.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(io(format!("{} cannot be opened", path.display())))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(_) => Err(Failure::ours(format!("another `baton dev` runs in {}", dir.display()))
            .hint("stop it, or name another folder with --dir")),
    }
}
