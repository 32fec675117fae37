//! Ending what dead supervisors and lost journals leave behind, until nothing of it is left.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::attempt::Report;
use crate::cgroup::Cgroup;
use crate::folder::{Folder, Identity};
use crate::host::place;
use crate::journal::hash;
use crate::process::{Process, variable};

/// Passes over the process table that must find nobody: one pass can miss a process that was
/// forked behind it.
const EMPTY_PASSES: u32 = 2;

/// Ends all of one attempt. Returns when nothing of it is left.
pub(crate) fn end_attempt(home: &Path, token: u64, identity: Option<Identity>, boot: &str) {
    let identity = identity.filter(|identity| identity.boot == boot);
    // In a copied data folder the identity is that of the original's supervisor, which is none of ours.
    let own = |path: &&Path| path.to_string_lossy().contains(&home_hash(home));
    let cgroup = identity.as_ref().and_then(|identity| identity.cgroup.as_deref()).filter(own);
    let cgroup = cgroup.map(Cgroup::at);
    let token_text = token.to_string();
    let belongs = |process: &Process| {
        let environment = process.environment()?;
        let marked =
            is_of(&environment, home) && variable(&environment, "BATON_TOKEN") == Some(token_text.as_bytes());
        let foreign = variable(&environment, "BATON_AGENT_HOME").is_some() && !is_of(&environment, home);
        let session = || identity.as_ref().is_some_and(|identity| in_session(process, identity));
        Ok(marked || (!foreign && session()))
    };
    end_all_that(belongs, cgroup.as_slice());
}

/// Ends what agents that lived in `home` left on this host, except what finished steps left
/// running on purpose, and says which attempts ended with a record that nobody may know yet.
///
/// # Errors
/// Those of the file system.
pub(crate) fn end_predecessors(home: &Path) -> io::Result<Vec<Report>> {
    let attempts = home.join("attempts");
    let known = attempts.exists();
    let folders = folders(&attempts)?;
    let unfinished = |token: u64| {
        let folder = folders.iter().find(|(known, _)| *known == token);
        // A folder goes when its report is acknowledged; if even the folder of folders is gone,
        // nothing is known of anyone.
        folder.map_or(!known, |(_, folder)| folder.exit().is_none())
    };
    let doomed = |environment: &[u8]| {
        let token = variable(environment, "BATON_TOKEN")
            .and_then(|token| std::str::from_utf8(token).ok()?.parse().ok());
        token.is_none_or(unfinished)
    };
    let left: BTreeSet<i32> = Cgroup::left_behind().into_iter().collect();
    let belongs = |process: &Process| {
        let environment = process.environment()?;
        Ok(is_of(&environment, home) && !left.contains(&process.pid) && doomed(&environment))
    };
    let used = cgroups_in_use(&folders);
    let doomed_too = |first: u64, cgroup: &Cgroup| unfinished(first) || used.contains(cgroup.path());
    let cgroups = Cgroup::of_home(&home_hash(home)).into_iter();
    let cgroups: Vec<_> =
        cgroups.filter(|(first, cgroup)| doomed_too(*first, cgroup)).map(|(_, cgroup)| cgroup).collect();
    end_all_that(belongs, &cgroups);
    let reports = folders.iter().filter_map(|(_, folder)| folder.exit());
    let reports = reports.filter(|report| !report.probe).collect();
    for (_, folder) in folders.iter().filter(|(_, folder)| folder.exit().is_none()) {
        folder.remove()?;
    }
    Ok(reports)
}

/// Removes the empty cgroups of supervisors that are gone, where all of them are.
pub(crate) fn remove_unused_cgroups(home: &Path) -> io::Result<()> {
    for process in Process::all()?.iter().filter(|process| !process.ended) {
        if is_of(&process.environment()?, home) {
            return Ok(());
        }
    }
    Cgroup::of_home(&home_hash(home)).into_iter().for_each(|(_, cgroup)| cgroup.remove());
    Ok(())
}

/// Where the attempts act that have not ended.
fn cgroups_in_use(folders: &[(u64, Folder)]) -> BTreeSet<PathBuf> {
    let open = folders.iter().filter(|(_, folder)| folder.exit().is_none());
    open.filter_map(|(_, folder)| folder.identity()?.cgroup).collect()
}

/// The cgroup of the supervisor that keeps this attempt first: one name on the machine, by which it can be found.
pub(crate) fn cgroup_name(first: &Folder) -> String {
    let home = first.home().unwrap_or(first.path());
    let token = first.path().file_name().unwrap_or_default().display();
    format!("baton-{}-{token}", home_hash(home))
}

/// The attempts' folders by token.
///
/// # Errors
/// Those of the file system.
pub(crate) fn folders(attempts: &Path) -> io::Result<Vec<(u64, Folder)>> {
    let entries = match fs::read_dir(attempts) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Some(token) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            folders.push((token, Folder::at(&entry.path())));
        }
    }
    folders.sort_by_key(|(token, _)| *token);
    Ok(folders)
}

/// What tells one agent's cgroups from another's: containers may have the same data folder's name, and share a cgroup tree.
fn home_hash(home: &Path) -> String {
    format!("{:016x}", hash(place(home).as_bytes()))
}

fn is_of(environment: &[u8], home: &Path) -> bool {
    variable(environment, "BATON_AGENT_HOME") == Some(home.as_os_str().as_bytes())
}

/// In the session that the supervisor opened, and not in one that a stranger opened under the
/// same number after it was gone.
fn in_session(process: &Process, identity: &Identity) -> bool {
    let leader = Process::find(identity.pid);
    let stranger = leader.is_some_and(|leader| leader.start_time != identity.start_time);
    process.session == identity.pid && process.start_time >= identity.start_time && !stranger
}

fn end_all_that(belongs: impl Fn(&Process) -> io::Result<bool>, cgroups: &[Cgroup]) {
    let mut empty = 0;
    while empty < EMPTY_PASSES {
        for cgroup in cgroups {
            cgroup.kill();
        }
        let inside = cgroups.iter().any(|cgroup| !cgroup.pids().is_empty());
        let nobody = match pass(&belongs) {
            Ok(found) => found == 0 && !inside,
            // What could not be seen may be there: not an empty pass.
            Err(error) => {
                tracing::warn!(%error, "the process table cannot be read; trying again");
                false
            }
        };
        empty = if nobody { empty + 1 } else { 0 };
        // The killed need a moment to be gone; the look is what decides, not the pause.
        thread::sleep(Duration::from_millis(2));
    }
    for cgroup in cgroups {
        cgroup.remove();
    }
}

/// Ends everyone who belongs, once, and says how many there were.
fn pass(belongs: impl Fn(&Process) -> io::Result<bool>) -> io::Result<usize> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let mut found = 0;
    for process in Process::all()?.iter().filter(|process| !process.ended && process.pid != own) {
        if belongs(process)? {
            tracing::info!(pid = process.pid, "ending what an attempt left");
            process.signal(Signal::KILL);
            found += 1;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn marked(home: &Path, token: &str) -> Child {
        Command::new("cat")
            .env("BATON_AGENT_HOME", home)
            .env("BATON_TOKEN", token)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Without cgroups and without an identity, the environment tells whose a process is.
    #[test]
    fn an_attempt_s_processes_are_known_by_their_environment() {
        let home = tempfile::tempdir().unwrap();
        let (mut its, mut another) = (marked(home.path(), "7"), marked(home.path(), "8"));
        let mut elsewhere = marked(Path::new("/somewhere/else"), "7");
        end_attempt(home.path(), 7, None, "b1");
        assert!(!its.wait().unwrap().success(), "it was ended");
        for spared in [&mut another, &mut elsewhere] {
            drop(spared.stdin.take());
            assert!(spared.wait().unwrap().success(), "it was left alone");
        }
    }

    /// A10: the session's number now belongs to a stranger.
    #[test]
    fn a_stranger_s_session_is_left_alone() {
        let this = Process::this().unwrap();
        let leader = Process::find(this.session).unwrap_or(this);
        let process = Process { session: leader.pid, ..this };
        let identity = |start_time| {
            let (boot, pid) = ("b1".into(), leader.pid);
            Identity { boot, pid, start_time, cgroup: None, token: None }
        };
        assert!(in_session(&process, &identity(leader.start_time)));
        assert!(!in_session(&process, &identity(leader.start_time - 1)));
    }
}
