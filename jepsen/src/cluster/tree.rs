//! Everything that an agent has started: its supervisors are known by their arguments, the steps by the environment that
//! they inherit.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Sends a signal to all of it, and looks again until nobody new is found. Gives back whom it reached.
pub(crate) fn signal_everything_of(data_dir: &Path, signal: Signal) -> Vec<Pid> {
    let mut known = Vec::new();
    // A process that is forking appears anew, so the look is repeated, and bounded.
    for _ in 0..10 {
        let found = everything_of(data_dir);
        let new: Vec<_> = found.into_iter().filter(|pid| !known.contains(pid)).collect();
        if new.is_empty() {
            break;
        }
        for pid in new {
            let _ = kill_process(pid, signal);
            known.push(pid);
        }
    }
    known
}

fn everything_of(data_dir: &Path) -> Vec<Pid> {
    let folder = data_dir.as_os_str().as_encoded_bytes();
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let belongs = |path: &Path| {
        let environment = std::fs::read(path.join("environ")).unwrap_or_default();
        let arguments = std::fs::read(path.join("cmdline")).unwrap_or_default();
        let home =
            environment.split(|byte| *byte == 0).find_map(|one| one.strip_prefix(b"BATON_AGENT_HOME="));
        let mut words = arguments.split(|byte| *byte == 0).skip(1);
        let supervises = words.next() == Some(b"supervise");
        home.is_some_and(|home| home.starts_with(folder))
            || (supervises && words.any(|word| word.starts_with(folder)))
    };
    let pid = |name: std::ffi::OsString| Pid::from_raw(name.to_str()?.parse().ok()?);
    let entries = processes.flatten().filter(|entry| belongs(&entry.path()));
    entries.filter_map(|entry| pid(entry.file_name())).collect()
}

/// How far the attempts of an agent are, as the files that it leaves say. A folder may have been another attempt's: what is
/// older than the assignment says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Assigned, and not executing yet.
    Granted,
    /// Executing.
    Executing,
    /// Its end is on disk, and not yet acknowledged.
    Finished,
}

/// Whether an agent has an attempt at this stage right now.
pub(crate) fn has_attempt(data_dir: &Path, stage: Stage) -> bool {
    let Ok(attempts) = std::fs::read_dir(data_dir.join("attempts")) else { return false };
    // A folder without a token for a name is nobody's.
    let attempts =
        attempts.flatten().filter(|attempt| attempt.file_name().as_encoded_bytes()[0].is_ascii_digit());
    attempts.into_iter().any(|attempt| stage_of(&attempt.path()) == Some(stage))
}

fn stage_of(attempt: &Path) -> Option<Stage> {
    let written = |name| std::fs::metadata(attempt.join(name)).and_then(|file| file.modified()).ok();
    let assigned = written("assignment")?;
    let since = |name| written(name).is_some_and(|at| at >= assigned);
    Some(match (since("executing"), since("exit")) {
        (false, false) => Stage::Granted,
        (true, false) => Stage::Executing,
        (_, true) => Stage::Finished,
    })
}

/// Whether an agent has this attempt, and its end is not on disk.
pub(crate) fn keeps(data_dir: &Path, token: u64) -> bool {
    stage_of(&data_dir.join("attempts").join(token.to_string())) == Some(Stage::Executing)
}
