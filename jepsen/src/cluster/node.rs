//! One node: a process, its place and its life.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

use super::disk::Disk;
use super::{Layout, shown, tree};

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The coordinator with this id.
    Member(u64),
    Agent,
}

/// One node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) role: Role,
    pub(crate) address: String,
    pub(crate) log: PathBuf,
    /// The command's, without the data folder and the region.
    pub(crate) arguments: Vec<String>,
    /// What only this node may touch: its disk, where it has one, and its data in it.
    pub(crate) place: PathBuf,
    pub(crate) disk: Option<Disk>,
    binary: PathBuf,
    child: Option<Child>,
    faketime: Option<PathBuf>,
    network: Option<File>,
}

impl Node {
    pub(crate) fn new(layout: &Layout, name: &str, region: &str, role: Role, address: &str) -> Node {
        Node {
            name: name.into(),
            region: region.into(),
            role,
            address: address.into(),
            log: layout.logs.join(format!("{name}.log")),
            arguments: Vec::new(),
            place: layout.data.join(name),
            disk: None,
            binary: layout.binary.clone(),
            child: None,
            faketime: layout.faketime.clone(),
            network: None,
        }
    }

    /// Makes its place: a disk and a network, where they can be its own.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn prepare(&mut self, isolated: bool) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.place)?;
        std::fs::write(self.clock_file(), "+0")?;
        if isolated {
            self.disk = Some(Disk::create(&self.place)?);
            self.network = Some(File::open(format!("/run/netns/{}", self.name))?);
            self.new_boot()?;
        }
        Ok(())
    }

    /// A node like this one, on the same machine, with a copy of its data.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn copy(&self) -> anyhow::Result<Node> {
        let place = self.place.with_extension("copy");
        let _ = std::fs::remove_dir_all(&place);
        let network = self.network.as_ref().map(File::try_clone).transpose()?;
        let copy = Node {
            name: self.name.clone(),
            region: self.region.clone(),
            role: self.role,
            address: self.address.clone(),
            log: self.log.with_extension("copy.log"),
            arguments: self.arguments.clone(),
            place,
            disk: None,
            binary: self.binary.clone(),
            child: None,
            faketime: None,
            network,
        };
        std::fs::create_dir_all(&copy.place)?;
        std::fs::copy(self.boot_file(), copy.boot_file())?;
        crate::sandbox::call("cp", &["-a", &shown(&self.data_dir()), &shown(&copy.data_dir())])?;
        Ok(copy)
    }

    /// Where its process keeps its data.
    pub(crate) fn data_dir(&self) -> PathBuf {
        match self.disk {
            Some(_) => self.place.join("disk/data"),
            None => self.place.join("data"),
        }
    }

    fn clock_file(&self) -> PathBuf {
        self.place.join("clock")
    }

    fn boot_file(&self) -> PathBuf {
        self.place.join("boot_id")
    }

    /// From now on its host counts as started anew.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn new_boot(&self) -> anyhow::Result<()> {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/uuid")?;
        Ok(std::fs::write(self.boot_file(), id)?)
    }

    /// Bends its wall clock: `+3600`, `-3600`, `+0`. False where it cannot be bent.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn set_clock(&self, offset: &str) -> anyhow::Result<bool> {
        std::fs::write(self.clock_file(), offset)?;
        Ok(self.faketime.is_some())
    }

    /// Starts its process. Must be called from the suite's main thread: the process ends with the thread that started it.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.binary);
        command.args(&self.arguments).args(["--region", &self.region]).arg("--data-dir").arg(self.data_dir());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).env("NO_COLOR", "1");
        if let Some(library) = &self.faketime {
            command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", self.clock_file());
            command
                .env("FAKETIME_NO_CACHE", "1")
                .env("DONT_FAKE_MONOTONIC", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let boot = matches!(self.role, Role::Agent).then(|| self.boot_file());
        goes_home(&mut command, self.network.as_ref(), boot.as_deref());
        let child = command.spawn().with_context(|| format!("{} cannot be started", self.name))?;
        self.child = Some(child);
        Ok(())
    }

    /// From now on it is another coordinator, which joins the cluster of the one at `address`.
    pub(crate) fn join_as(&mut self, id: u64, address: &str) {
        self.found_as(id);
        self.arguments.extend(["--join".into(), address.into()]);
    }

    /// From now on it is the coordinator with which a new cluster begins.
    pub(crate) fn found_as(&mut self, id: u64) {
        self.role = Role::Member(id);
        // Whom it knew before, it knows no more.
        for known in ["--peers", "--join"] {
            if let Some(at) = self.arguments.iter().position(|one| one == known) {
                self.arguments.drain(at..at + 2);
            }
        }
        if let Some(at) = self.arguments.iter().position(|one| one == "--id") {
            self.arguments[at + 1] = id.to_string();
        }
    }

    /// Its process, while it runs.
    pub(crate) fn pid(&self) -> Option<i32> {
        self.child.as_ref().map(|child| child.id() as i32)
    }

    /// Whether its process is there.
    pub(crate) fn is_running(&mut self) -> bool {
        match self.child.as_mut().map(Child::try_wait) {
            Some(Ok(None)) => true,
            Some(_) => {
                self.child = None;
                false
            }
            None => false,
        }
    }

    /// Sends a signal to its process.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    /// `kill -9`; what it started lives on.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.wait();
    }

    /// Asks it to end, and waits for that.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::CONT);
        self.signal(Signal::TERM);
        self.wait();
    }

    fn wait(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }

    /// Kills it and everything that it started; gives back what it had started.
    pub(crate) fn lose_host(&mut self) -> Vec<Pid> {
        // First nobody may act any more, then everybody may be found.
        self.freeze();
        self.kill();
        tree::signal_everything_of(&self.data_dir(), Signal::KILL)
    }

    /// Freezes it and everything that it started.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        if self.role == Role::Agent {
            tree::signal_everything_of(&self.data_dir(), Signal::STOP);
        }
    }

    /// And lets it go on.
    pub(crate) fn thaw(&self) {
        if self.role == Role::Agent {
            tree::signal_everything_of(&self.data_dir(), Signal::CONT);
        }
        self.signal(Signal::CONT);
    }

    /// It is over.
    pub(crate) fn end(&mut self) {
        self.kill();
        if self.role == Role::Agent {
            tree::signal_everything_of(&self.data_dir(), Signal::KILL);
        }
    }
}

/// The process joins its node's network, finds its node's boot id, and ends with the suite.
fn goes_home(command: &mut Command, network: Option<&File>, boot: Option<&Path>) {
    let network = network.map(|network| network.as_raw_fd());
    let boot = boot.filter(|_| network.is_some());
    let boot = boot
        .map(|path| std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).expect("a path without NUL"));
    let enter = move || {
        // SAFETY: numbers only.
        check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })?;
        if let Some(network) = network {
            // SAFETY: the descriptor is open: its file lives as long as the node.
            check(unsafe { libc::setns(network, libc::CLONE_NEWNET) })?;
        }
        if let Some(boot) = &boot {
            // SAFETY: numbers, and texts that end with NUL and outlive the calls.
            unsafe {
                check(libc::unshare(libc::CLONE_NEWNS))?;
                let none = std::ptr::null();
                check(libc::mount(none, c"/".as_ptr(), none, libc::MS_REC | libc::MS_SLAVE, none.cast()))?;
                let place = c"/proc/sys/kernel/random/boot_id".as_ptr();
                check(libc::mount(boot.as_ptr(), place, none, libc::MS_BIND, none.cast()))?;
            }
        }
        Ok(())
    };
    // SAFETY: between fork and exec it makes system calls only, and allocates nothing.
    unsafe { command.pre_exec(enter) };
}

fn check(result: libc::c_int) -> std::io::Result<()> {
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}
