//! A cgroup (v2) of the suite's own, in which its agents make theirs.

use std::fs;
use std::path::{Path, PathBuf};

/// The cgroup.
#[derive(Debug)]
pub(super) struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// Makes one below this process's own, and moves this process into it. None where that cannot be done: agents can do
    /// without.
    pub(super) fn enter() -> Option<Cgroup> {
        let mounts = fs::read_to_string("/proc/mounts").ok()?;
        let root = mounts.lines().find_map(|line| {
            let words: Vec<_> = line.split(' ').collect();
            (words.get(2) == Some(&"cgroup2")).then(|| PathBuf::from(words[1]))
        })?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?.to_owned();
        let name = fs::read_to_string("/proc/sys/kernel/random/uuid").ok()?;
        let path = root.join(own).join(format!("jepsen-{}", name.trim()));
        fs::create_dir(&path).ok()?;
        let cgroup = Cgroup { path };
        if join(&cgroup.path).is_none() {
            cgroup.leave();
            return None;
        }
        Some(cgroup)
    }

    /// Moves this process out, and removes it with everything below. Nobody else may be left in it.
    pub(super) fn leave(self) {
        if let Some(parent) = self.path.parent() {
            join(parent);
        }
        remove(&self.path);
    }
}

fn join(path: &Path) -> Option<()> {
    fs::write(path.join("cgroup.procs"), "0").ok()
}

fn remove(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    // What cannot be removed is empty, and hurts nobody.
    let _ = fs::remove_dir(path);
}
