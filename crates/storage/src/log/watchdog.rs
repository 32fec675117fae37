//! Notices a flush that never comes back: sled has an error path, met on a full disk, that leaves
//! its waiters asleep.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::OnFailure;

/// No disk that can be worked with takes this long for one flush.
const LIMIT: Duration = Duration::from_secs(30);

type Began = Arc<Mutex<Option<Instant>>>;

pub(super) struct Watchdog {
    began: Began,
    // Dropping it ends the thread.
    _alive: Sender<()>,
}

/// A flush under way; dropped when it is over.
pub(super) struct Watched(Began);

impl Watchdog {
    pub(super) fn start(on_failure: OnFailure) -> io::Result<Self> {
        let began = Began::default();
        let (alive, gone) = channel();
        let watched = began.clone();
        Builder::new().name("baton-watch".into()).spawn(move || {
            while gone.recv_timeout(LIMIT / 10) == Err(RecvTimeoutError::Timeout) {
                if since(&watched).is_some_and(|began| began.elapsed() > LIMIT) {
                    on_failure(&io::Error::new(
                        io::ErrorKind::TimedOut,
                        format!("the disk has not finished a flush in {} s", LIMIT.as_secs()),
                    ));
                    return;
                }
            }
        })?;
        Ok(Self { began, _alive: alive })
    }

    pub(super) fn begin(&self) -> Watched {
        *lock(&self.began) = Some(Instant::now());
        Watched(self.began.clone())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        *lock(&self.0) = None;
    }
}

fn since(began: &Began) -> Option<Instant> {
    *lock(began)
}

fn lock(began: &Began) -> std::sync::MutexGuard<'_, Option<Instant>> {
    began.lock().unwrap_or_else(PoisonError::into_inner)
}
