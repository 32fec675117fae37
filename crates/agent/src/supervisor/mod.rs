//! The small process that keeps one attempt, and outlives the agent that started it. Blocking,
//! one thread, no runtime: the less there is, the less can die.
//!
//! Whoever wants to know whether it may still act asks for the lock on the attempt's folder.

mod become_program;
mod child;
mod ended;
mod outputs;
mod pipes;
mod signals;
mod tail;
mod tree;
mod vfork;
mod watch;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::process::{getpid, set_child_subreaper, setsid};

use crate::actions::{self, wait::Pace};
use crate::attempt::{Action, Assignment, Call, Report};
use crate::cgroup::Cgroup;
use crate::folder::{Folder, Identity};
use crate::host;
use crate::process::Process;
use crate::sweep::home_hash;

pub(crate) use ended::Ended;
pub(crate) use watch::Watch;

/// Keeps the attempt whose folder this is until its end is on disk: `baton supervise DIR`.
///
/// It answers with success when an exit record was written, else with failure; the agent asks the
/// folder, not the exit code.
pub fn supervise(folder: &Path) -> ExitCode {
    match keep(&Folder::at(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("baton supervise {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

/// Keeps the attempt until its end is on disk, and a daemon's output for as long as there is some.
///
/// # Errors
/// Why there is no exit record.
pub(crate) fn keep(folder: &Folder) -> io::Result<()> {
    let this = Process::this().ok_or_else(|| io::Error::other("/proc is not mounted"))?;
    // Asked of /proc: a session that was begun outside of this pid namespace has no number here.
    if this.session != this.pid {
        setsid()?;
    }
    set_child_subreaper(Some(getpid()))?;
    let lock = take_lock(folder)?;
    if folder.buried() || folder.exit().is_some() {
        return Err(io::Error::other("the attempt is over"));
    }
    let assignment = folder.assignment()?;
    let boot = host::boot_id()?;
    let cgroup = Cgroup::create(&cgroup_name(folder, &assignment)).ok();
    identify(folder, this, &boot, cgroup.as_ref())?;
    let mut watch = Watch::new(folder.clone(), assignment, boot, cgroup)?;
    let ended = perform(&mut watch);
    let report = report(&mut watch, &ended);
    write_exit(folder, &report, watch.is_marked_durably())?;
    watch.leave_tree();
    // The exit record is there: whoever waits for the end may have it.
    drop(lock);
    watch.linger();
    Ok(())
}

/// The agent hands the lock over as standard input, so that there is no moment in which the
/// supervisor lives without it; started by hand, it takes the lock itself.
fn take_lock(folder: &Folder) -> io::Result<File> {
    let own = folder.lock_file()?;
    let inherited = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let null = File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    let (a, b) = (own.metadata()?, inherited.metadata()?);
    let same = (a.dev(), a.ino()) == (b.dev(), b.ino());
    let lock = if same { inherited } else { own };
    flock(&lock, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| io::Error::other("another supervisor keeps this attempt"))?;
    Ok(lock)
}

/// One name for each attempt of each agent on the machine.
fn cgroup_name(folder: &Folder, assignment: &Assignment) -> String {
    let home = folder.home().unwrap_or(folder.path());
    format!("baton-{}-{}", home_hash(home), assignment.key.token)
}

fn identify(folder: &Folder, this: Process, boot: &str, cgroup: Option<&Cgroup>) -> io::Result<()> {
    folder.write_identity(&Identity {
        boot: boot.to_owned(),
        pid: this.pid,
        start_time: this.start_time,
        cgroup: cgroup.map(|cgroup| cgroup.path().to_owned()),
    })
}

/// Writes the exit record, a few times over if need be: a disk that is full for a minute must not
/// turn a known outcome into an unknown one. Each try but the first writes and syncs a new file, so
/// a failed sync is never taken back.
fn write_exit(folder: &Folder, report: &Report, marked_durably: bool) -> io::Result<()> {
    if marked_durably && folder.turn_into_exit(report).is_ok() {
        return Ok(());
    }
    let mut tries = 120;
    loop {
        match folder.write_exit(report) {
            Err(_) if tries > 0 => thread::sleep(Duration::from_millis(500)),
            result => return result,
        }
        tries -= 1;
    }
}

fn perform(watch: &mut Watch) -> Ended {
    match watch.action() {
        Action::Command(argv) => actions::command::perform(watch, &Call::process(argv)),
        Action::Call(call) => actions::command::perform(watch, &call),
        Action::Wait { until, interval_ms } => {
            let pace = Pace { interval_ms, stable_ms: 0 };
            actions::wait::perform(watch, &Call::process(until), pace)
        }
        Action::Until { question, interval_ms, stable_ms } => {
            actions::wait::perform(watch, &question, Pace { interval_ms, stable_ms })
        }
        // The agent does this one itself.
        Action::Noop => Ended::Exited(0),
    }
}

fn report(watch: &mut Watch, ended: &Ended) -> Report {
    let assignment = watch.assignment();
    let (outcome, exit_code, reason) = ended::conclude(ended, assignment);
    let (key, probe) = (assignment.key.clone(), assignment.probe);
    let outputs = outputs::read(&watch.folder().output());
    let notes = std::iter::once(reason).chain(outputs.problems);
    let notes: Vec<String> = notes.filter(|note| !note.is_empty()).collect();
    let (stdout, stderr) = watch.tails();
    let mask = |text: &str| watch.secrets().mask(text);
    Report {
        key,
        probe,
        outcome,
        exit_code,
        reason: mask(&notes.join("; ")),
        outputs: outputs.values.iter().map(|(name, value)| (name.clone(), mask(value))).collect(),
        stdout,
        stderr,
    }
}
