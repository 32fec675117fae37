//! A PostgreSQL of its own, with its defaults: every commit is synced. It listens on a socket in its folder only.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, getuid, kill_process};
use tokio::time::sleep;

use crate::bound::die_with_us;

const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(10);

/// A running server; ended when dropped.
pub(crate) struct Postgres {
    process: Child,
    version: String,
    dir: tempfile::TempDir,
}

impl Postgres {
    /// Starts it and waits until it takes connections, or says that it is not installed.
    ///
    /// # Errors
    /// If it is installed and does not come up.
    pub(crate) async fn start(dir: &Path) -> anyhow::Result<Option<Postgres>> {
        let Some(programs) = programs() else {
            eprintln!("PostgreSQL is not installed: DBOS is left out");
            return Ok(None);
        };
        let dir = tempfile::Builder::new().prefix("postgres-").tempdir_in(dir.canonicalize()?)?;
        let owner = Owner::find()?;
        owner.give(dir.path())?;
        let data = dir.path().join("data");
        let mut init = owner.command(&programs.join("initdb"));
        init.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "-D"]).arg(&data);
        let made = init.output()?;
        if !made.status.success() {
            bail!("initdb: {}", String::from_utf8_lossy(&made.stderr).trim());
        }
        let mut command = owner.command(&programs.join("postgres"));
        command.arg("-D").arg(&data).arg("-k").arg(dir.path()).args(["-c", "listen_addresses="]);
        command.stdout(Stdio::null()).stderr(fs::File::create(dir.path().join("log"))?);
        die_with_us(&mut command);
        let version = version(&programs.join("postgres"))?;
        let mut postgres = Postgres { process: command.spawn()?, version, dir };
        postgres.is_ready(&data).await?;
        Ok(Some(postgres))
    }

    /// It says so in the last line of its lock file.
    async fn is_ready(&mut self, data: &Path) -> anyhow::Result<()> {
        let since = Instant::now();
        while since.elapsed() < PATIENCE && self.process.try_wait()?.is_none() {
            let lock = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            if lock.lines().nth(7).is_some_and(|status| status.trim() == "ready") {
                return Ok(());
            }
            sleep(LOOK).await;
        }
        bail!("PostgreSQL did not come up: {}", fs::read_to_string(self.dir.path().join("log"))?.trim())
    }

    /// Where a database is found.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@localhost/{database}?host={}", self.dir.path().display())
    }

    /// Its name and version.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // At once, but in its own way: killed, it would leave shared memory behind.
        if let Some(pid) = Pid::from_raw(self.process.id().cast_signed()) {
            let _ = kill_process(pid, Signal::QUIT);
        }
        let _ = self.process.wait();
    }
}

/// Where the programs are: the newest that Debian has installed, unless some are on the path.
fn programs() -> Option<PathBuf> {
    let on_path = env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<_> = installed.map(|version| version.path().join("bin")).collect();
    versions.sort_by_key(|bin| bin.parent().and_then(|of| of.file_name()?.to_str()?.parse::<u32>().ok()));
    let mut all: Vec<PathBuf> = on_path;
    all.extend(versions.into_iter().rev());
    all.into_iter().find(|bin| bin.join("initdb").exists() && bin.join("postgres").exists())
}

fn version(program: &Path) -> anyhow::Result<String> {
    let told = String::from_utf8(Command::new(program).arg("--version").output()?.stdout)?;
    let number = told.split_whitespace().nth(2).context("postgres does not tell its version")?;
    Ok(format!("PostgreSQL {number}"))
}

/// Whose the server is. It refuses to run as root, so whoever is root steps down; everybody else stays who they are.
struct Owner(Option<(u32, u32)>);

impl Owner {
    fn find() -> anyhow::Result<Owner> {
        Ok(Owner(if getuid().is_root() { Some((id("-u")?, id("-g")?)) } else { None }))
    }

    fn give(&self, path: &Path) -> std::io::Result<()> {
        self.0.map_or(Ok(()), |(user, group)| chown(path, Some(user), Some(group)))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).env("LC_ALL", "C.UTF-8");
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group).env_remove("HOME");
        }
        command
    }
}

/// The number of the user or the group that Debian's package made.
fn id(which: &str) -> anyhow::Result<u32> {
    let told = Command::new("id").args([which, "postgres"]).output()?;
    let number = String::from_utf8(told.stdout)?;
    number.trim().parse().context("there is no user named postgres to run PostgreSQL as")
}
