//! A disk of a node's own: ext4 on a loop device, that can lose its power, be full, and come back.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::sandbox::{call, find};

/// Large enough that a coordinator counts as having room: it wants 128 MiB to take part again.
const BYTES: u64 = 320 << 20;

/// So long strace may take to let go of all threads of a process.
const LEAVES_WITHIN: Duration = Duration::from_secs(2);

/// `EXT4_IOC_SHUTDOWN`, and the flag that says: what is not on the disk is lost, the journal's last transactions included.
const SHUTDOWN: libc::c_ulong = 0x8004_587d;
const WITHOUT_FLUSH: u32 = 2;

/// The disk.
#[derive(Debug)]
pub(crate) struct Disk {
    image: PathBuf,
    mount: PathBuf,
}

impl Disk {
    /// Makes and mounts it.
    ///
    /// # Errors
    /// If the tools refuse.
    pub(crate) fn create(place: &Path) -> anyhow::Result<Disk> {
        let disk = Disk { image: place.join("image"), mount: place.join("disk") };
        fs::create_dir_all(&disk.mount)?;
        File::create(&disk.image)?.set_len(BYTES)?;
        let quick = ["-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard"];
        call("mkfs.ext4", &[&quick[..], &[text(&disk.image)]].concat())?;
        disk.mount()?;
        Ok(disk)
    }

    /// # Errors
    /// If it cannot be mounted.
    pub(crate) fn mount(&self) -> anyhow::Result<()> {
        // The loop device goes when the mount does.
        call("mount", &["-o", "loop,errors=remount-ro", text(&self.image), text(&self.mount)])?;
        Ok(())
    }

    /// Its power fails: what was not synced is lost. Everybody who wrote to it must have been killed before, for a sync
    /// that is under way in this moment may be told that it succeeded.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub(crate) fn cut_power(&self) -> anyhow::Result<()> {
        let folder = File::open(&self.mount)?;
        // SAFETY: the descriptor is open, and the flag is read while the call lasts.
        let result = unsafe { libc::ioctl(folder.as_raw_fd(), SHUTDOWN, std::ptr::from_ref(&WITHOUT_FLUSH)) };
        if result != 0 {
            return Err(std::io::Error::last_os_error()).context("the disk's power cannot be cut");
        }
        Ok(())
    }

    /// The power is back: the journal is replayed.
    ///
    /// # Errors
    /// If it cannot be mounted again.
    pub(crate) fn restore_power(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        // Processes that were killed a moment ago may hold it still.
        while let Err(error) = call("umount", &[text(&self.mount)]) {
            if Instant::now() > deadline {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.mount()
    }

    /// Nothing more fits on it.
    ///
    /// # Errors
    /// If it cannot be filled.
    pub(crate) fn fill(&self) -> anyhow::Result<()> {
        let filler = self.mount.join("filler");
        let file = File::create(&filler)?;
        let mut part = 64_u64 << 20;
        let mut length = 0;
        while part >= 4096 {
            match rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), length, part) {
                Ok(()) => length += part,
                Err(rustix::io::Errno::NOSPC) => part /= 2,
                Err(error) => return Err(error).context("the disk cannot be filled"),
            }
        }
        Ok(())
    }

    /// There is room again, and stays so if its power fails.
    pub(crate) fn empty(&self) {
        let _ = fs::remove_file(self.mount.join("filler"));
        let _ = File::open(&self.mount).and_then(|folder| folder.sync_all());
    }
}

/// A process whose syncs are slow or fail, as long as this lives.
#[derive(Debug)]
pub(crate) struct BentSyncs {
    strace: std::process::Child,
}

impl BentSyncs {
    /// `what` is strace's word for it: `error=EIO`, `delay_enter=200000`.
    ///
    /// # Errors
    /// If strace is not installed or cannot attach.
    pub(crate) fn of(pid: i32, what: &str, log: &Path) -> anyhow::Result<BentSyncs> {
        let mut command = Command::new(find("strace").context("strace is not installed")?);
        command.args(["-f", "-qq", "-e", "trace=fsync,fdatasync", "-e"]);
        command.arg(format!("inject=fsync,fdatasync:{what}")).arg("-o").arg(log);
        command.args(["-p", &pid.to_string()]);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        Ok(BentSyncs { strace: command.spawn()? })
    }
}

impl Drop for BentSyncs {
    fn drop(&mut self) {
        // SIGTERM lets strace leave the process as it found it.
        if let Some(pid) = rustix::process::Pid::from_raw(self.strace.id() as i32) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let deadline = Instant::now() + LEAVES_WITHIN;
        while matches!(self.strace.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        // It waits for ever for a process that died of its failed sync in this moment. Then there is nothing to leave.
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the suite's own paths are UTF-8")
}
