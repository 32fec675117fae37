//! Takes back the space of purged entries, a little at a time: one large removal on raft's own
//! thread has cost leaderships.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::OnFailure;
use super::records::Entry;
use crate::table::Table;

const CHUNK: usize = 256;
const PAUSE: Duration = Duration::from_millis(2);

pub(super) struct Sweeper {
    // `None` only while it is dropped.
    queue: Option<Sender<u64>>,
    thread: Option<JoinHandle<()>>,
}

impl Sweeper {
    pub(super) fn start(entries: Table<Entry>, on_failure: OnFailure) -> io::Result<Self> {
        let (queue, throughs) = channel();
        let thread = Builder::new().name("baton-sweep".into()).spawn(move || {
            if let Err(error) = sweep_all(&entries, &throughs) {
                on_failure(&error);
            }
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Removes entries up to `through`, soon.
    pub(super) fn sweep(&self, through: u64) {
        if let Some(queue) = &self.queue {
            // Gone only after a failure, which has been reported.
            let _ = queue.send(through);
        }
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn sweep_all(entries: &Table<Entry>, throughs: &Receiver<u64>) -> io::Result<()> {
    while let Ok(first) = throughs.recv() {
        let through = throughs.try_iter().fold(first, u64::max);
        while entries.remove_through(through, CHUNK)? {
            std::thread::sleep(PAUSE);
        }
    }
    Ok(())
}
