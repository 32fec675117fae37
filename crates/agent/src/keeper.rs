//! The agent's hand on its supervisors: starting, watching, ending, burying. Each attempt has a
//! thread that mostly sleeps on the attempt's lock.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use baton_storage::sabotage::{self, Bug};
use rustix::process::Signal;
use tokio::sync::mpsc::UnboundedSender;

use crate::attempt::{Assignment, Key, Outcome, Report};
use crate::cgroup::Cgroup;
use crate::cradle::Cradle;
use crate::folder::Folder;
use crate::ledger::{Event, Seen};
use crate::process::Process;
use crate::sweep;

/// Pause before something that the file system refused is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// Where attempts live and how their supervisors are started. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Keeper {
    pub(crate) name: String,
    /// The agent's data folder, absolute.
    pub(crate) home: PathBuf,
    pub(crate) boot: String,
    pub(crate) supervisor: Vec<OsString>,
    pub(crate) cradle: Option<Cradle>,
    pub(crate) events: UnboundedSender<Event>,
}

impl Keeper {
    pub(crate) fn folder(&self, token: u64) -> Folder {
        Folder::at(&self.home.join("attempts").join(token.to_string()))
    }

    /// Starts the attempt's supervisor and says [`Event::Seen`] when it is over.
    pub(crate) fn start(&self, assignment: Assignment) {
        let token = assignment.key.token;
        let stage = tracing::debug_span!(target: "stage", "exec", token);
        self.spawn("attempt", token, move |keeper| {
            let _executing = stage.entered();
            let key = assignment.key.clone();
            match keeper.launch(&assignment) {
                Ok(child) => keeper.watch(token, child),
                Err(error) => {
                    let reason = format!("its supervisor could not be started: {error}");
                    keeper.bury_because(key, &reason);
                }
            }
        });
    }

    /// Watches a supervisor that is somebody else's child.
    pub(crate) fn adopt(&self, token: u64) {
        self.spawn("adopted", token, move |keeper| keeper.watch(token, None));
    }

    /// Makes sure that an attempt which never acted never will.
    pub(crate) fn bury(&self, key: Key) {
        self.spawn("bury", key.token, move |keeper| {
            let said = keeper.folder(key.token).log();
            let said = said.map(|said| format!(": {said}")).unwrap_or_default();
            let reason = format!("its supervisor ended before the action started{said}");
            keeper.bury_because(key, &reason);
        });
    }

    /// Ends what a dead supervisor left.
    pub(crate) fn sweep(&self, key: Key) {
        self.spawn("sweep", key.token, move |keeper| {
            let folder = keeper.folder(key.token);
            keeper.settle(key, &folder, |key| {
                sweep::end_attempt(&keeper.home, key.token, folder.identity(), &keeper.boot);
                folder.bury()?;
                let reason = "its supervisor died while it ran; what it left has been ended";
                Ok(Report::bare(key, Outcome::Unknown, reason))
            });
        });
    }

    /// Tells the supervisor to end the attempt; the end itself is told by the lock.
    pub(crate) fn end(&self, token: u64, reason: &str) {
        let folder = self.folder(token);
        // The thread that launches the attempt may not have come to make the folder yet.
        if let Err(error) = folder.create().and_then(|()| folder.write_stop(reason)) {
            tracing::error!(token, %error, "the attempt could not be told to stop");
            return;
        }
        // Without an identity the supervisor has not looked for the file yet, and will.
        let Some(identity) = folder.identity() else {
            return;
        };
        if let Some(process) = Process::find(identity.pid)
            && (process.start_time, &self.boot) == (identity.start_time, &identity.boot)
        {
            process.signal(Signal::TERM);
        }
    }

    /// Removes what is left of an attempt that may be forgotten.
    pub(crate) fn forget(&self, token: u64) {
        let folder = self.folder(token);
        if let Some(cgroup) = folder.identity().and_then(|identity| identity.cgroup) {
            Cgroup::at(&cgroup).remove();
        }
        if let Err(error) = folder.remove() {
            tracing::warn!(token, %error, "the attempt's folder could not be removed");
        }
    }

    /// Forked in the cradle where there is one, else started as a child of this process.
    fn launch(&self, assignment: &Assignment) -> io::Result<Option<Child>> {
        let token = assignment.key.token;
        let folder = self.folder(token);
        folder.create()?;
        folder.write_assignment(assignment)?;
        let taken = || io::Error::other("somebody else keeps the attempt");
        let lock = folder.try_lock()?.ok_or_else(taken)?;
        let born = self.cradle.as_ref().map(|cradle| cradle.bear(token, &lock));
        match born {
            Some(Ok(())) => return Ok(None),
            Some(Err(error)) => tracing::error!(token, %error, "no cradle can be started"),
            None => {}
        }
        self.command(assignment, &folder, lock)?.spawn().map(Some)
    }

    /// The supervisor gets the lock as its standard input: it is never without it, whenever this
    /// agent dies.
    fn command(&self, assignment: &Assignment, folder: &Folder, lock: File) -> io::Result<Command> {
        let (program, arguments) = self
            .supervisor
            .split_first()
            .ok_or_else(|| io::Error::other("the agent was not told how to start one"))?;
        let mut command = Command::new(program);
        command.args(arguments).arg(folder.path());
        command.env("BATON_AGENT", &self.name);
        command.env("BATON_AGENT_HOME", &self.home);
        command.env("BATON_TOKEN", assignment.key.token.to_string());
        command.stdin(lock);
        command.stdout(Stdio::null()).stderr(folder.create_log()?);
        // SAFETY: one async-signal-safe system call. It leaves the agent's session before anything
        // that is meant for the agent, like Ctrl-C, can reach it.
        unsafe {
            command.pre_exec(|| {
                rustix::process::setsid()?;
                Ok(())
            });
        }
        Ok(command)
    }

    fn watch(&self, token: u64, child: Option<Child>) {
        let folder = self.folder(token);
        if sabotage::planted(Bug::AdoptByPid) && child.is_none() {
            let supervisor = folder.identity().map_or(0, |identity| identity.pid);
            while Process::find(supervisor).is_some() {
                thread::sleep(Duration::from_millis(20));
            }
        }
        match folder.wait_for_lock() {
            Ok(lock) => {
                let seen = folder.seen_unlocked();
                drop(lock);
                self.say(Event::Seen { token, seen });
            }
            Err(error) => tracing::error!(token, %error, "the attempt cannot be watched"),
        }
        if let Some(mut child) = child {
            // It may linger for a daemon's output; this thread then waits to reap it.
            let _ = child.wait();
        }
    }

    fn bury_because(&self, key: Key, reason: &str) {
        let folder = self.folder(key.token);
        self.settle(key, &folder, |key| {
            let seen = folder.seen_unlocked();
            if seen.exit.is_some() || seen.executing {
                return Err(io::Error::other("it acted after all"));
            }
            folder.bury()?;
            Ok(Report::bare(key, Outcome::NotStarted, reason))
        });
    }

    /// Decides an attempt's end while holding its lock; when that is impossible, has it looked at
    /// again.
    fn settle(&self, key: Key, folder: &Folder, end: impl FnOnce(Key) -> io::Result<Report>) {
        let token = key.token;
        let attempt = || {
            folder.create()?;
            let Some(lock) = folder.try_lock()? else {
                return Ok(None);
            };
            let report = end(key)?;
            drop(lock);
            Ok::<_, io::Error>(Some(report))
        };
        match attempt() {
            Ok(Some(report)) => self.say(Event::Ended(report)),
            Ok(None) => self.look(token, Seen { locked: true, ..Seen::default() }),
            Err(error) => {
                tracing::error!(token, %error, "the attempt's end could not be decided yet");
                thread::sleep(TRY_AGAIN);
                self.look(token, folder.seen_unlocked());
            }
        }
    }

    fn look(&self, token: u64, seen: Seen) {
        self.say(Event::Seen { token, seen });
    }

    fn say(&self, event: Event) {
        // Nobody listens any more once the agent is ending.
        let _ = self.events.send(event);
    }

    fn spawn(&self, what: &str, token: u64, body: impl FnOnce(&Keeper) + Send + 'static) {
        let keeper = self.clone();
        let name = format!("{what}-{token}");
        let thread = thread::Builder::new().name(name).stack_size(512 * 1024);
        if let Err(error) = thread.spawn(move || body(&keeper)) {
            tracing::error!(token, %error, "no thread for the attempt");
        }
    }
}
