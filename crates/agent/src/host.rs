//! Which machine and place this is, since which boot, and its boot clock.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use baton_storage::sabotage::{self, Bug};
use rustix::time::{ClockId, clock_gettime};

/// The place whose processes a successor can find and end: the machine, its process namespace and
/// the folder by which an agent's processes are known. An agent of the same name in any other place
/// proves nothing about what this one left (semantics R5).
pub(crate) fn place(home: &Path) -> String {
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{} {} {}", machine_id(), namespace.display(), home.display())
}

/// The machine's id: the one that the system was installed with, else one by its name.
fn machine_id() -> String {
    let files = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
    let ids = files.iter().filter_map(|file| fs::read_to_string(file).ok());
    let mut ids = ids.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
    ids.next().unwrap_or_else(|| {
        let name = rustix::system::uname();
        format!("host-{}", name.nodename().to_string_lossy())
    })
}

/// The id of the running boot.
///
/// # Errors
/// If the kernel does not tell it, which it always does on Linux with `/proc` mounted.
pub(crate) fn boot_id() -> std::io::Result<String> {
    static FOUND: OnceLock<String> = OnceLock::new();
    if let Some(id) = FOUND.get() {
        return Ok(id.clone());
    }
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(FOUND.get_or_init(|| id.trim().to_owned()).clone())
}

/// Nanoseconds since the boot, with the time in which the machine slept: a lease that ran out
/// during a suspension has run out.
pub(crate) fn boottime_ns() -> u64 {
    if sabotage::planted(Bug::WallClockLease) {
        // By way of the C library, as everything that people can bend.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        return u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX);
    }
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let rest = u64::try_from(now.tv_nsec).unwrap_or_default();
    seconds * 1_000_000_000 + rest
}
