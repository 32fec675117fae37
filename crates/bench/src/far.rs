//! Baton in regions that are far apart: a coordinator and an agent in each of three, every way between two regions a line
//! with a delay.

use std::net::TcpListener;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use baton_client::Client;
use tokio::time::sleep;

use crate::Bench;
use crate::delay::Line;
use crate::place::spawn;

/// Where they stand.
pub(crate) const REGIONS: [&str; 3] = ["east", "west", "north"];
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// A running cluster; what was started is ended when it is dropped.
pub(crate) struct Far {
    coordinators: Vec<Process>,
    _agents: Vec<Process>,
    _lines: Vec<Line>,
    _dir: tempfile::TempDir,
}

/// A coordinator or an agent.
struct Process {
    command: Vec<String>,
    log: std::path::PathBuf,
    child: Child,
    /// Where it answers in its own region.
    near: String,
}

impl Far {
    /// Starts it and waits until everybody is there.
    ///
    /// # Errors
    /// If it does not come up within a minute.
    pub(crate) async fn start(bench: &Bench, round_trip: Duration, profile: &str) -> anyhow::Result<Far> {
        let dir = tempfile::Builder::new().prefix("baton-").tempdir_in(&bench.dir)?;
        let held: Vec<_> =
            REGIONS.iter().map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
        let near: Vec<_> =
            held.iter().map(|held| Ok(held.local_addr()?.to_string())).collect::<std::io::Result<_>>()?;
        drop(held);
        let mut lines = Vec::new();
        for near in &near {
            lines.push(Line::open(near.clone(), round_trip).await?);
        }
        let peers: Vec<_> =
            lines.iter().zip(1..).map(|(line, id)| format!("{id}={}", line.address)).collect();
        let mut coordinators = Vec::new();
        let mut agents = Vec::new();
        for (number, region) in REGIONS.iter().enumerate() {
            let id = (number + 1).to_string();
            let mut flags = vec!["--id", &id, "--listen", &near[number], "--profile", profile];
            let peers = peers.join(",");
            flags.extend(["--peers", &peers]);
            if let Some(file) = &bench.config {
                flags.extend(["--config", file.to_str().context("the configuration's path is not UTF-8")?]);
            }
            coordinators.push(Process::start(bench, dir.path(), "server", region, &flags, &near[number])?);
            let of = |other: usize| if other == number { &near[other] } else { &lines[other].address };
            let servers = (0..REGIONS.len()).map(|other| of(other).as_str()).collect::<Vec<_>>().join(",");
            let flags = ["--name", *region, "--servers", &servers];
            agents.push(Process::start(bench, dir.path(), "agent", region, &flags, "")?);
        }
        let far = Far { coordinators, _agents: agents, _lines: lines, _dir: dir };
        far.whole().await?;
        Ok(far)
    }

    /// A client in whichever region it is that answers: it is near to everybody.
    ///
    /// # Errors
    /// If the addresses are not understood.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let near: Vec<_> = self.coordinators.iter().map(|coordinator| coordinator.near.as_str()).collect();
        Ok(Client::connect(&near)?.with_attempt(Duration::from_secs(2)))
    }

    /// A client in the region of this coordinator.
    ///
    /// # Errors
    /// If the address is not understood.
    pub(crate) fn client_of(&self, id: u64) -> anyhow::Result<Client> {
        Ok(Client::connect(&[self.coordinator(id)?.near.as_str()])?)
    }

    /// Who leads, in which region, and in which term.
    ///
    /// # Errors
    /// If nobody does within a minute.
    pub(crate) async fn leader(&self) -> anyhow::Result<(u64, &'static str, u64)> {
        let (client, since) = (self.client()?, Instant::now());
        while since.elapsed() < PATIENCE {
            if let Ok(status) = client.cluster_status().await
                && let Some(leader) = status.leader
            {
                let place = usize::try_from(leader)?.checked_sub(1).context("an id begins with 1")?;
                return Ok((leader, REGIONS[place], status.term));
            }
            sleep(LOOK).await;
        }
        bail!("nobody leads")
    }

    /// Kills a coordinator.
    ///
    /// # Errors
    /// If there is no such coordinator, or it has ended.
    pub(crate) fn kill(&mut self, id: u64) -> anyhow::Result<()> {
        let coordinator =
            self.coordinators.get_mut(usize::try_from(id)? - 1).context("no such coordinator")?;
        coordinator.child.kill()?;
        coordinator.child.wait()?;
        Ok(())
    }

    /// Starts a coordinator again after its end.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn restart(&mut self, id: u64) -> anyhow::Result<()> {
        let coordinator =
            self.coordinators.get_mut(usize::try_from(id)? - 1).context("no such coordinator")?;
        coordinator.child = spawn(&coordinator.command, &coordinator.log)?;
        Ok(())
    }

    /// Waits until every member has applied what the leader has, and every agent is live.
    ///
    /// # Errors
    /// If that takes more than a minute.
    pub(crate) async fn whole(&self) -> anyhow::Result<()> {
        let (client, since) = (self.client()?, Instant::now());
        while since.elapsed() < PATIENCE {
            if let Ok(status) = client.cluster_status().await
                && status.leader.is_some()
                && status.agents.iter().filter(|agent| agent.status == "live").count() == REGIONS.len()
                && status.members.iter().all(|one| one.reachable && one.applied == status.members[0].applied)
            {
                return Ok(());
            }
            sleep(LOOK).await;
        }
        bail!("the cluster is not whole: {:?}", client.cluster_status().await)
    }

    fn coordinator(&self, id: u64) -> anyhow::Result<&Process> {
        self.coordinators.get(usize::try_from(id)? - 1).context("no such coordinator")
    }
}

impl Process {
    fn start(
        bench: &Bench,
        dir: &Path,
        kind: &str,
        region: &str,
        flags: &[&str],
        near: &str,
    ) -> anyhow::Result<Process> {
        let data = dir.join(format!("{kind}-{region}"));
        let log = data.with_extension("log");
        let baton = bench.binary.display().to_string();
        let mut command = vec![baton, kind.into(), "--region".into(), region.into()];
        command.extend(["--data-dir".into(), data.display().to_string()]);
        command.extend(flags.iter().map(|flag| (*flag).to_owned()));
        Ok(Process { child: spawn(&command, &log)?, command, log, near: near.to_owned() })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have been ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
