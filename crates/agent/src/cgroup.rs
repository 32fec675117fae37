//! A cgroup (v2) for one attempt at a time, where the system lets us make one. Without, the tree is
//! found by ancestry, session and environment.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where all of an attempt is, and nothing else.
#[derive(Debug, Clone)]
pub(crate) struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// Makes `BASE/baton-NAME` below this process's own cgroup.
    ///
    /// # Errors
    /// Where there is no cgroup v2, or this user may not make one.
    pub(crate) fn create(name: &str) -> io::Result<Cgroup> {
        let path = base()?.join(name);
        match fs::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        // A system without `cgroup.kill` (before Linux 5.14) is treated as one without cgroups.
        if !path.join("cgroup.kill").exists() {
            fs::remove_dir(&path)?;
            return Err(io::Error::from(io::ErrorKind::Unsupported));
        }
        Ok(Cgroup { path })
    }

    pub(crate) fn at(path: &Path) -> Cgroup {
        let path = path.to_owned();
        Cgroup { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Something to be born into.
    pub(crate) fn open(&self) -> Option<File> {
        File::open(&self.path).ok()
    }

    pub(crate) fn pids(&self) -> Vec<i32> {
        let text = fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Ends everything in it at once, so that nothing can fork its way out.
    pub(crate) fn kill(&self) {
        // A cgroup that is gone has nobody in it.
        let _ = fs::write(self.path.join("cgroup.kill"), "1");
    }

    /// Moves what the step left running on purpose out of the attempt's cgroup: it is no longer
    /// part of the attempt, and whoever ends the attempt must not end it.
    pub(crate) fn leave_behind(&self) {
        if fs::remove_dir(&self.path).is_ok() {
            // Nobody was in it.
            return;
        }
        let Some(left) = self.path.parent().map(|base| base.join("baton-left")) else {
            return;
        };
        let _ = fs::create_dir(&left);
        // A process that is forking appears anew, so the look is repeated, and bounded.
        for _ in 0..100 {
            let pids = self.pids();
            if pids.is_empty() {
                break;
            }
            for pid in pids {
                let _ = fs::write(left.join("cgroup.procs"), pid.to_string());
            }
        }
        self.remove();
    }

    /// What finished steps left running, of any agent below this process's own cgroup.
    pub(crate) fn left_behind() -> Vec<i32> {
        let left = base().map(|base| Cgroup::at(&base.join("baton-left")));
        left.map(|left| left.pids()).unwrap_or_default()
    }

    /// The cgroups of one agent's supervisors, by the token of what each has kept first.
    pub(crate) fn of_home(home_hash: &str) -> Vec<(u64, Cgroup)> {
        let entries = base().and_then(fs::read_dir).ok().into_iter().flatten();
        let prefix = format!("baton-{home_hash}-");
        let tokens = entries.flatten().filter_map(|entry| {
            let name = entry.file_name();
            let token = name.to_str()?.strip_prefix(&prefix)?.parse().ok()?;
            Some((token, Cgroup::at(&entry.path())))
        });
        tokens.collect()
    }

    /// Removes it if nobody is in it.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_dir(&self.path);
    }
}

/// This process's own place in the unified hierarchy.
fn base() -> io::Result<PathBuf> {
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let own = fs::read_to_string("/proc/self/cgroup")?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
    Ok(mount_point().ok_or_else(missing)?.join(own.ok_or_else(missing)?))
}

/// Where the unified hierarchy is mounted; looked up once.
pub(crate) fn mount_point() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        mounts.lines().find_map(unified_mount).map(PathBuf::from)
    };
    FOUND.get_or_init(find).as_deref()
}

/// The mount point, if the line of mountinfo is of the unified hierarchy.
fn unified_mount(line: &str) -> Option<&str> {
    let (mount, kind) = line.split_once(" - ")?;
    kind.starts_with("cgroup2 ").then_some(())?;
    mount.split(' ').nth(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unified_hierarchy_is_found_among_the_mounts() {
        let v2 = "36 35 0:31 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
        let v1 = "33 35 0:28 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory";
        assert_eq!(unified_mount(v2), Some("/sys/fs/cgroup/unified"));
        assert_eq!(unified_mount(v1), None);
    }
}
