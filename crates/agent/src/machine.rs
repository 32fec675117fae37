//! What an agent needs of the machine that it runs on: a clock, a disk, and processes. [`ThisMachine`] is the one that
//! there is; a simulator has others.

use std::io;
use std::path::PathBuf;

use tokio::sync::mpsc::UnboundedSender;

use crate::attempt::{Assignment, Key};
use crate::host;
use crate::journal::{Fact, Facts, Journal};
use crate::keeper::Keeper;
use crate::lease::Deadline;
use crate::ledger::{Event, Seen};

/// The machine under an agent. Nothing here waits: what takes time is told when it has happened.
pub trait Machine: Send + Sync {
    /// Nanoseconds since the boot, with the time in which the machine slept.
    fn boottime_ns(&self) -> u64;

    /// Puts the lease's end where supervisors read it right before they execute.
    ///
    /// # Errors
    /// Those of the file system.
    fn keep_lease(&self, until_ns: u64) -> io::Result<()>;

    /// Writes facts into the journal and says [`Event::Durable`] of this token when they are.
    fn journal(&self, token: u64, facts: Vec<Fact>);

    /// Writes facts that nobody waits for.
    fn journal_lazily(&self, facts: Vec<Fact>);

    /// What can be seen of an attempt.
    ///
    /// # Errors
    /// Those of the file system.
    fn seen(&self, token: u64) -> io::Result<Seen>;

    /// Starts the attempt's supervisor and says [`Event::Seen`] when it is over.
    fn start(&self, assignment: Assignment);

    /// Watches a supervisor that an earlier agent started.
    fn adopt(&self, token: u64);

    /// Tells the supervisor to end the attempt.
    fn end(&self, token: u64, reason: &str);

    /// Makes sure that an attempt which never acted never will, and says [`Event::Ended`].
    fn bury(&self, key: Key);

    /// Ends what a dead supervisor left, and says [`Event::Ended`].
    fn sweep(&self, key: Key);

    /// Removes the folder of an attempt that may be forgotten, if there is one.
    fn forget(&self, token: u64);
}

/// How a machine tells its agent what has happened. Where nobody listens any more, the agent is ending.
#[derive(Debug, Clone)]
pub struct Voice {
    pub(crate) events: UnboundedSender<Event>,
    pub(crate) failures: UnboundedSender<String>,
}

impl Voice {
    /// This has happened.
    pub fn say(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// The journal can no longer be written, for this reason: the agent ends.
    pub fn fail(&self, reason: String) {
        let _ = self.failures.send(reason);
    }
}

/// What an agent finds at its start: who it is, where, and what it knows.
#[derive(Debug, Clone)]
pub struct Memory {
    /// The journal's id.
    pub incarnation: String,
    /// What the journal says.
    pub facts: Facts,
    /// The place whose processes a successor can find and end.
    pub place: String,
    /// The id of the running boot.
    pub boot: String,
}

/// The machine that this process runs on.
pub(crate) struct ThisMachine {
    pub(crate) home: PathBuf,
    pub(crate) boot: String,
    pub(crate) journal: Journal,
    pub(crate) keeper: Keeper,
    pub(crate) voice: Voice,
}

impl Machine for ThisMachine {
    fn boottime_ns(&self) -> u64 {
        host::boottime_ns()
    }

    fn keep_lease(&self, until_ns: u64) -> io::Result<()> {
        let boot = self.boot.clone();
        Deadline { boot, until_ns }.write(&self.home)
    }

    fn journal(&self, token: u64, facts: Vec<Fact>) {
        let voice = self.voice.clone();
        let ends = facts.iter().any(|fact| matches!(fact, Fact::Finished(_)));
        let keeper = ends.then(|| self.keeper.clone());
        // Closed once the facts are durable.
        let stage = tracing::debug_span!(target: "stage", "journal", token);
        let done = move |result| {
            drop(stage);
            match result {
                Ok(()) => {
                    // First, so that whoever kept it can keep what starts because of it.
                    if let Some(keeper) = keeper {
                        keeper.settled(token);
                    }
                    voice.say(Event::Durable(token));
                }
                Err(failure) => voice.fail(failure),
            }
        };
        self.journal.append(facts, Box::new(done));
    }

    fn journal_lazily(&self, facts: Vec<Fact>) {
        self.journal.append_lazily(facts);
    }

    fn seen(&self, token: u64) -> io::Result<Seen> {
        self.keeper.folder(token).seen()
    }

    fn start(&self, assignment: Assignment) {
        self.keeper.start(assignment);
    }

    fn adopt(&self, token: u64) {
        self.keeper.adopt(token);
    }

    fn end(&self, token: u64, reason: &str) {
        self.keeper.end(token, reason);
    }

    fn bury(&self, key: Key) {
        self.keeper.bury(key);
    }

    fn sweep(&self, key: Key) {
        self.keeper.sweep(key);
    }

    fn forget(&self, token: u64) {
        self.keeper.forget(token);
    }
}
