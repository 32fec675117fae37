//! The small process that keeps one attempt, and outlives the agent that started it. Blocking,
//! one thread, no runtime: the less there is, the less can die.
//!
//! Whoever wants to know whether it may still act asks for the lock of the attempt's folder. When all of an attempt is
//! gone, the process may keep another; whose step has left something running is never used again.

mod become_program;
mod child;
mod ended;
mod outputs;
mod pipes;
mod post;
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

use rustix::fs::{FlockOperation, flock};

use crate::actions::{self, wait::Pace};
use crate::attempt::{Action, Call, Report};
use crate::folder::Folder;

pub(crate) use ended::Ended;
pub(crate) use post::Post;
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

fn keep(folder: &Folder) -> io::Result<()> {
    let lock = take_lock(folder)?;
    if folder.buried() || folder.exit().is_some() {
        return Err(io::Error::other("the attempt is over"));
    }
    Post::take(folder, None)?.keep(folder, lock).map(drop)
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

fn perform(watch: &mut Watch<'_>) -> Ended {
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

fn report(watch: &mut Watch<'_>, ended: &Ended) -> Report {
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
