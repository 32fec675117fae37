//! Everything that an attempt started: found by ancestry and cgroup, ended as a whole.

use std::io;

use rustix::process::Signal;

use crate::cgroup::Cgroup;
use crate::process::Process;

/// The processes that descend from this one. As it is their subreaper, an orphan stays in the
/// tree, even one that made itself a daemon.
fn descendants(root: i32) -> io::Result<Vec<Process>> {
    let all = Process::all()?;
    let mut tree: Vec<Process> = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for process in all.iter().filter(|process| process.parent == parent) {
            parents.push(process.pid);
            tree.push(*process);
        }
    }
    tree.retain(|process| !process.ended);
    Ok(tree)
}

/// All that is alive of the attempt, whichever way it is found.
///
/// # Errors
/// If the look failed, so that nobody knows.
fn alive(cgroup: Option<&Cgroup>) -> io::Result<Vec<Process>> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let mut alive = descendants(own)?;
    let inside = cgroup.map(Cgroup::pids).unwrap_or_default();
    let inside = inside.into_iter().filter_map(Process::find);
    for process in inside.filter(|process| !process.ended && process.pid != own) {
        if !alive.contains(&process) {
            alive.push(process);
        }
    }
    Ok(alive)
}

/// Whether it is certain that nothing of the tree is left.
pub(super) fn is_gone(cgroup: Option<&Cgroup>) -> bool {
    alive(cgroup).is_ok_and(|alive| alive.is_empty())
}

/// Asks all of the tree to end.
pub(super) fn ask_to_end(cgroup: Option<&Cgroup>) {
    for process in alive(cgroup).unwrap_or_default() {
        process.signal(Signal::TERM);
    }
}

/// Ends what is left of the tree.
pub(super) fn kill(cgroup: Option<&Cgroup>) {
    if let Some(cgroup) = cgroup {
        cgroup.kill();
    }
    for process in alive(cgroup).unwrap_or_default() {
        process.signal(Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    /// Without cgroups this is all that finds the tree, sessions of their own included.
    #[test]
    fn descendants_are_found_through_sessions() {
        // A shell gives what it starts in the background no input, unless told so.
        let text = "exec 3<&0; setsid sh -c 'echo $$; read line' <&3 & wait";
        let mut shell = Command::new("sh")
            .args(["-c", text])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        let pids: Vec<i32> = descendants(own).unwrap().iter().map(|process| process.pid).collect();
        assert!(pids.contains(&line.trim().parse().unwrap()), "{line} is not in {pids:?}");
        assert!(pids.contains(&i32::try_from(shell.id()).unwrap()));
        drop(shell.stdin.take());
        shell.wait().unwrap();
    }
}
