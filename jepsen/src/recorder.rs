//! Writes the history while it happens, and knows what is under way.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use serde_json::Value;

use crate::history::{Kind, Op, Process};

/// Nanoseconds of the clock that no test bends; the same for every process of this machine.
pub(crate) fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// The one place that operations are written down.
#[derive(Debug)]
pub(crate) struct Recorder {
    /// On the clock of [`monotonic_ns`].
    origin_ns: u64,
    written: Mutex<(File, u64)>,
    next_process: AtomicU64,
    starting: AtomicU64,
    done: AtomicU64,
}

/// What is known of an operation when it is written down.
#[derive(Debug, Clone)]
pub(crate) struct Line<'a> {
    pub(crate) kind: Kind,
    pub(crate) process: Process,
    pub(crate) f: &'a str,
    pub(crate) value: Value,
    pub(crate) node: Option<String>,
    pub(crate) error: Option<String>,
}

impl Recorder {
    /// Begins a history; time counts from here.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Recorder> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Recorder {
            origin_ns: monotonic_ns(),
            written: Mutex::new((file, 0)),
            next_process: AtomicU64::new(0),
            starting: AtomicU64::new(0),
            done: AtomicU64::new(0),
        })
    }

    pub(crate) fn origin_ns(&self) -> u64 {
        self.origin_ns
    }

    /// Nanoseconds since the beginning.
    pub(crate) fn now(&self) -> u64 {
        monotonic_ns() - self.origin_ns
    }

    /// A process id that nobody had.
    pub(crate) fn new_process(&self) -> u64 {
        self.next_process.fetch_add(1, Ordering::Relaxed)
    }

    /// Starts of runs that wait for their answer.
    pub(crate) fn starting(&self) -> u64 {
        self.starting.load(Ordering::Relaxed)
    }

    /// Starts, decisions and writes that somebody was told are done.
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(crate) fn write(&self, line: Line<'_>) {
        if line.f == "start" {
            match line.kind {
                Kind::Invoke => self.starting.fetch_add(1, Ordering::Relaxed),
                _ => self.starting.fetch_sub(1, Ordering::Relaxed),
            };
        }
        if line.kind == Kind::Ok && matches!(line.f, "start" | "decide" | "write") {
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, count) = &mut *written;
        // Read inside the lock, so that time never runs backwards in the file.
        let op = Op {
            index: *count,
            time: self.now(),
            kind: line.kind,
            process: line.process,
            f: line.f.to_owned(),
            value: line.value,
            node: line.node,
            error: line.error,
        };
        *count += 1;
        // Checkers would judge a history with holes; it is better to have none.
        writeln!(file, "{}", op.line()).expect("the history can be written");
    }
}
