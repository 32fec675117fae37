//! The agent's hand on its supervisors: starting, watching, ending, burying. It makes nobody wait: files are taken in turn
//! by one thread, and what may last has a thread of its own.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rustix::process::Signal;
use tracing::Span;

use crate::attempt::{Assignment, Key};
use crate::folder::Folder;
use crate::hand::Hand;
use crate::process::Process;
use crate::shelf::Shelf;

/// Gives the hand its tasks. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Keeper {
    hand: Hand,
    in_turn: Sender<Task>,
}

#[derive(Debug)]
enum Task {
    Start(Assignment, Span),
    Forget { folder: Folder, clean: bool },
}

impl Keeper {
    /// # Errors
    /// If no thread can be started.
    pub(crate) fn new(hand: Hand) -> io::Result<Keeper> {
        let (in_turn, tasks) = channel();
        let worker = hand.clone();
        thread::Builder::new().name("keeper".into()).spawn(move || work(&worker, &tasks))?;
        Ok(Keeper { hand, in_turn })
    }

    pub(crate) fn folder(&self, token: u64) -> Folder {
        self.hand.folder(token)
    }

    /// Starts the attempt's supervisor and says [`Event::Seen`](crate::ledger::Event::Seen) when it is over.
    pub(crate) fn start(&self, assignment: Assignment) {
        let token = assignment.key.token;
        // Closed once it has ended.
        let stage = tracing::debug_span!(target: "stage", "exec", token);
        self.take_in_turn(Task::Start(assignment, stage));
    }

    /// Watches a supervisor that an earlier agent started.
    pub(crate) fn adopt(&self, token: u64) {
        self.hand.spawn("adopted", token, move |hand| hand.watch(token, None));
    }

    /// Makes sure that an attempt which never acted never will.
    pub(crate) fn bury(&self, key: Key) {
        self.hand.spawn("bury", key.token, move |hand| hand.bury(key));
    }

    /// Ends what a dead supervisor left.
    pub(crate) fn sweep(&self, key: Key) {
        self.hand.spawn("sweep", key.token, move |hand| hand.sweep(key));
    }

    /// Tells the supervisor to end the attempt; the end itself is told as any other.
    pub(crate) fn end(&self, token: u64, reason: &str) {
        let folder = self.folder(token);
        // The attempt's folder may not have been made yet.
        if let Err(error) = folder.create().and_then(|()| folder.write_stop(reason)) {
            tracing::error!(token, %error, "the attempt could not be told why it has to stop");
        }
        if self.hand.crew.as_ref().is_some_and(|crew| crew.end(token)) {
            return;
        }
        // Without an identity the supervisor has not looked for the file yet, and will. With one it is an earlier agent's,
        // and this is its last attempt: a signal can reach no other.
        let Some(identity) = folder.identity() else {
            return;
        };
        if let Some(process) = Process::find(identity.pid)
            && (process.start_time, &self.hand.place.boot) == (identity.start_time, &identity.boot)
        {
            process.signal(Signal::TERM);
        }
    }

    /// The attempt's end is in the journal.
    pub(crate) fn settled(&self, token: u64) {
        if let Some(crew) = &self.hand.crew {
            crew.settled(token);
        }
    }

    /// Removes what is left of an attempt that may be forgotten.
    pub(crate) fn forget(&self, token: u64) {
        // Of what is in no journal nobody has to know that it has ended.
        self.settled(token);
        let clean = self.hand.crew.as_ref().is_some_and(|crew| crew.forget(token));
        self.take_in_turn(Task::Forget { folder: self.folder(token), clean });
    }

    fn take_in_turn(&self, task: Task) {
        if self.in_turn.send(task).is_err() {
            tracing::error!("the thread that starts attempts has ended; start the agent again");
        }
    }
}

fn work(hand: &Hand, tasks: &Receiver<Task>) {
    let mut shelf = Shelf::default();
    while let Ok(task) = tasks.recv() {
        match task {
            Task::Start(assignment, stage) => {
                hand.start(&assignment, shelf.take(assignment.key.token), stage)
            }
            Task::Forget { folder, clean } => shelf.put(&folder, clean),
        }
    }
}
