//! The processes of steps, which outlive their agents on purpose: found by the mark that an agent
//! leaves in their environment.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

const MARK: &[u8] = b"BATON_AGENT_HOME=";

/// Ends every process that an agent with its data below this folder has started.
pub(crate) fn end_below(dir: &Path) {
    // Who is killed may have started another just before, so look until nobody is there.
    for _ in 0..100 {
        let found = find_below(dir);
        if found.is_empty() {
            return;
        }
        for pid in found {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn find_below(dir: &Path) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let own = rustix::process::getpid();
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let pids = pids.filter_map(Pid::from_raw).filter(|pid| *pid != own);
    pids.filter(|pid| is_marked(*pid, dir)).collect()
}

/// The environment of a process that has ended, or is somebody else's, cannot be read.
fn is_marked(pid: Pid, dir: &Path) -> bool {
    let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default();
    let mut homes = environment.split(|byte| *byte == 0).filter_map(|variable| variable.strip_prefix(MARK));
    homes.any(|home| {
        let below = home.strip_prefix(dir.as_os_str().as_bytes());
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}
