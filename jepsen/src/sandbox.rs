//! The place where a test happens. As root, and with the tools there, the suite starts itself again inside of
//! namespaces of its own for network, mounts and processes: whatever becomes of it, all of that vanishes with its
//! first process, and the machine's own network is never touched. Otherwise the cluster runs on the loopback
//! device, and the faults that need more are skipped, with a sentence.

mod cgroup;

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

/// What tells the inner process that it is inside.
const INSIDE: &str = "BATON_JEPSEN_INSIDE";
const TOOLS: [&str; 5] = ["unshare", "ip", "nft", "mkfs.ext4", "mount"];

/// Where the cluster is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sandbox {
    /// In namespaces of its own.
    Isolated,
    /// On the loopback device, because of this.
    Loopback(String),
}

/// A program's place on this machine.
pub(crate) fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Runs a program and waits for it.
///
/// # Errors
/// If it does not end well; with what it said.
pub(crate) fn call(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let path = find(program).with_context(|| format!("{program} is not installed"))?;
    let output = Command::new(path).args(arguments).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::bail!("{program} {}: {}", arguments.join(" "), said.trim())
}

/// Why no namespaces can be made, if so.
fn obstacle() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("namespaces need root".into());
    }
    let missing: Vec<_> = TOOLS.into_iter().filter(|tool| find(tool).is_none()).collect();
    if !missing.is_empty() {
        return Some(format!("{} not installed", missing.join(", ")));
    }
    let tried = call("unshare", &["-n", "-m", "-p", "-f", "true"]);
    tried.err().map(|error| format!("namespaces cannot be made: {error}"))
}

/// Goes inside, and comes back only where there is no inside.
///
/// # Errors
/// If the inside cannot be prepared.
pub(crate) fn enter() -> anyhow::Result<Sandbox> {
    match std::env::var(INSIDE).as_deref() {
        Ok("init") => anyhow::bail!("{INSIDE} is set from outside: unset it"),
        Ok(_) => {
            prepare()?;
            return Ok(Sandbox::Isolated);
        }
        Err(_) => {}
    }
    if let Some(why) = obstacle() {
        return Ok(Sandbox::Loopback(why));
    }
    let mut command = Command::new(find("unshare").context("unshare is not installed")?);
    command.args(["-n", "-m", "-p", "-f", "--kill-child", "--mount-proc", "--"]);
    command.arg(std::env::current_exe()?).args(std::env::args_os().skip(1)).env(INSIDE, "init");
    // What is tested has been built; inside there is nothing to build it with.
    command.env_remove("CARGO");
    Err(command.exec()).context("the suite cannot be started again inside of namespaces")
}

fn prepare() -> anyhow::Result<()> {
    // What is unmounted here is unmounted for the nodes as well, which have mounts of their own.
    call("mount", &["--make-rshared", "/"])?;
    // Everything that the tools keep under /run, and the members' disks, live in memory and vanish.
    call("mount", &["-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"])?;
    std::fs::create_dir_all("/run/netns")?;
    call("ip", &["link", "set", "lo", "up"])?;
    Ok(())
}

/// Whether this process is the first inside of its namespaces, which only starts the suite and
/// takes care of orphans.
pub(crate) fn is_first() -> bool {
    std::env::var(INSIDE).is_ok_and(|role| role == "init")
}

/// The life of the first process.
///
/// # Errors
/// If the suite cannot be started.
pub(crate) fn first() -> anyhow::Result<ExitCode> {
    // Cgroups are the whole machine's: without one of its own, this cluster's agents would meet those of another.
    let cgroup = cgroup::Cgroup::enter();
    let mut command = Command::new(std::env::current_exe()?);
    let suite = command.args(std::env::args_os().skip(1)).env(INSIDE, "suite").spawn()?;
    let code = until_ended(suite.id() as i32)?;
    // SAFETY: numbers only; it reaches everybody in this namespace but this process.
    unsafe { libc::kill(-1, libc::SIGKILL) };
    while rustix::process::wait(rustix::process::WaitOptions::empty()).is_ok() {}
    if let Some(cgroup) = cgroup {
        cgroup.leave();
    }
    Ok(code)
}

fn until_ended(suite: i32) -> anyhow::Result<ExitCode> {
    loop {
        match rustix::process::wait(rustix::process::WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get() == suite => {
                return Ok(ExitCode::from(status.exit_status().map_or(2, |code| code as u8)));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether a folder is there that only a program that is installed has.
pub(crate) fn faketime() -> Option<std::path::PathBuf> {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    let library = |folder: &str| Path::new(folder).join("faketime/libfaketimeMT.so.1");
    folders.into_iter().map(library).find(|path| path.is_file())
}
