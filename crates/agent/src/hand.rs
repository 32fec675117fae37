//! What an agent's hand on its supervisors does when nobody waits for it: on a thread of its own, or on the one that
//! takes files in turn.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use baton_storage::sabotage::{self, Bug};
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;
use tracing::Span;

use crate::attempt::{Assignment, Key, Outcome, Report};
use crate::crew::{Crew, Said};
use crate::folder::Folder;
use crate::ledger::{Event, Seen};
use crate::process::Process;
use crate::sweep;

/// Pause before something that the file system refused is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// Where attempts live, and how a supervisor is started by itself.
#[derive(Debug)]
pub(crate) struct Place {
    /// The agent's name.
    pub(crate) name: String,
    /// The agent's data folder, absolute.
    pub(crate) home: PathBuf,
    pub(crate) boot: String,
    /// The beginning of an argv.
    pub(crate) supervisor: Vec<OsString>,
}

/// The hand. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Hand {
    pub(crate) place: Arc<Place>,
    /// Without one, every supervisor is started by itself.
    pub(crate) crew: Option<Crew>,
    pub(crate) events: UnboundedSender<Event>,
    /// For what no thread can be had for yet.
    pub(crate) runtime: Handle,
}

impl Hand {
    pub(crate) fn folder(&self, token: u64) -> Folder {
        Folder::at(&self.place.home.join("attempts").join(token.to_string()))
    }

    /// Starts the attempt's supervisor, and sees to it that its end is told.
    pub(crate) fn start(&self, assignment: &Assignment, spare: Option<Folder>, stage: Span) {
        let token = assignment.key.token;
        match self.launch(assignment, spare, &stage) {
            Ok(None) => {}
            Ok(Some(child)) => self.spawn("attempt", token, move |hand| {
                let _executing = stage;
                hand.watch(token, Some(child));
            }),
            Err(error) => {
                let reason = format!("its supervisor could not be started: {error}");
                let key = assignment.key.clone();
                self.spawn("bury", token, move |hand| hand.bury_because(key, &reason));
            }
        }
    }

    /// Kept by one of the crew where there is one, else by a child of this process.
    fn launch(
        &self,
        assignment: &Assignment,
        spare: Option<Folder>,
        stage: &Span,
    ) -> io::Result<Option<Child>> {
        let token = assignment.key.token;
        let folder = self.folder(token);
        let taken_over =
            spare.and_then(|spare| folder.take_over(&spare, assignment).map_err(|_| spare.remove()).ok());
        let lock = match taken_over {
            Some(lock) => lock,
            None => {
                folder.create()?;
                folder.hand_out(assignment)?
            }
        };
        let Some(crew) = &self.crew else {
            return self.command(assignment, &folder, lock)?.spawn().map(Some);
        };
        let hand = self.clone();
        match crew.keep(token, lock, stage, move |said| hand.hear(said)) {
            Ok(()) => Ok(None),
            Err(error) => {
                tracing::error!(token, %error, "no cradle can be started");
                self.command(assignment, &folder, folder.lock()?)?.spawn().map(Some)
            }
        }
    }

    /// What one of the crew says.
    fn hear(&self, said: Said) {
        match said {
            Said::Ended(token) => {
                let seen = self.folder(token).seen_unlocked();
                self.say(Event::Seen { token, seen });
            }
            // The kernel takes its lock a moment before or after it cuts the line.
            Said::Gone(token) => self.spawn("gone", token, move |hand| hand.watch(token, None)),
        }
    }

    /// The supervisor gets the lock as its standard input: it is never without it, whenever this
    /// agent dies.
    fn command(&self, assignment: &Assignment, folder: &Folder, lock: File) -> io::Result<Command> {
        let (program, arguments) = self
            .place
            .supervisor
            .split_first()
            .ok_or_else(|| io::Error::other("the agent was not told how to start one"))?;
        let mut command = Command::new(program);
        command.args(arguments).arg(folder.path());
        command.env("BATON_AGENT", &self.place.name);
        command.env("BATON_AGENT_HOME", &self.place.home);
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

    /// Waits for a supervisor's end, and tells it.
    pub(crate) fn watch(&self, token: u64, child: Option<Child>) {
        let folder = self.folder(token);
        if sabotage::planted(Bug::AdoptByPid) && child.is_none() {
            let supervisor = folder.identity().map_or(0, |identity| identity.pid);
            while Process::find(supervisor).is_some() {
                thread::sleep(Duration::from_millis(20));
            }
        }
        let seen = loop {
            match folder.wait_for_lock() {
                Ok(_lock) => break folder.seen_unlocked(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => break Seen::default(),
                Err(error) => {
                    tracing::error!(token, %error, "the attempt cannot be watched yet");
                    thread::sleep(TRY_AGAIN);
                }
            }
        };
        self.look(token, seen);
        if let Some(mut child) = child {
            // It may linger for a daemon's output; this thread then waits to reap it.
            let _ = child.wait();
        }
    }

    /// Makes sure that an attempt which never acted never will.
    pub(crate) fn bury(&self, key: Key) {
        let said = self.folder(key.token).log();
        let said = said.map(|said| format!(": {said}")).unwrap_or_default();
        let reason = format!("its supervisor ended before the action started{said}");
        self.bury_because(key, &reason);
    }

    /// Ends what a dead supervisor left.
    pub(crate) fn sweep(&self, key: Key) {
        let folder = self.folder(key.token);
        self.settle(key, &folder, |key| {
            let seen = folder.seen_unlocked();
            if seen.exit.is_some() || !seen.executing {
                return Err(io::Error::other("more can be read of it now"));
            }
            sweep::end_attempt(&self.place.home, key.token, folder.identity(), &self.place.boot);
            folder.bury()?;
            let reason = "its supervisor died while it ran; what it left has been ended";
            Ok(Report::bare(key, Outcome::Unknown, reason))
        });
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

    pub(crate) fn spawn(&self, what: &str, token: u64, body: impl FnOnce(&Hand) + Send + 'static) {
        let hand = self.clone();
        let name = format!("{what}-{token}");
        let thread = thread::Builder::new().name(name).stack_size(512 * 1024);
        if let Err(error) = thread.spawn(move || body(&hand)) {
            tracing::error!(token, %error, "no thread for the attempt yet");
            let hand = self.clone();
            self.runtime.spawn(async move {
                tokio::time::sleep(TRY_AGAIN).await;
                hand.look(token, Seen { locked: true, ..Seen::default() });
            });
        }
    }
}
