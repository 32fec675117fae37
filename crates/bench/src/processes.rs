//! Processes without Baton: what a step that starts one stands beside.

use std::io::{self, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

/// What every one of them is, here and in the measured plans.
const PROGRAM: &str = "true";
/// How many are under way where all processors are to work: enough for any number of them that the bench meets.
pub(crate) const AT_ONCE: usize = 8;

/// Processes a second that are started and awaited by so many threads of this program, with nobody else on the machine.
///
/// # Errors
/// If one cannot be started.
pub(crate) fn bare_loops(span: Duration, loops: usize) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let count_until_over = || {
        let mut count = 0_u32;
        while begin.elapsed() < span {
            start_and_await()?;
            count += 1;
        }
        Ok::<_, io::Error>(count)
    };
    let counts = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..loops).map(|_| scope.spawn(count_until_over)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).sum::<io::Result<u32>>()
    });
    let count = counts.context("a process of a bare loop cannot be started")?;
    Ok(f64::from(count) / begin.elapsed().as_secs_f64())
}

fn start_and_await() -> io::Result<()> {
    Command::new(PROGRAM).stdin(Stdio::null()).status().map(drop)
}

/// Processes that start and await others and do nothing else: the least that R4 of the semantics can cost. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Supervisors(Arc<[Arc<Mutex<Supervisor>>]>);

impl Supervisors {
    /// As many as there are bare loops on all processors.
    ///
    /// # Errors
    /// If one cannot be started.
    pub(crate) fn start() -> io::Result<Supervisors> {
        let start = |_| Supervisor::start().map(|one| Arc::new(Mutex::new(one)));
        (0..AT_ONCE).map(start).collect::<io::Result<_>>().map(Supervisors)
    }

    /// Has so many processes started and awaited, one after the other, by the one that serves this client.
    ///
    /// # Errors
    /// If that one is gone.
    pub(crate) async fn keep(&self, client: usize, count: usize) -> anyhow::Result<()> {
        let mut supervisor = Arc::clone(&self.0[client % AT_ONCE]).lock_owned().await;
        let kept = spawn_blocking(move || (0..count).try_for_each(|_| supervisor.keep())).await?;
        kept.context("a supervisor without Baton is gone")
    }
}

/// This program once more, as [`supervise`], until its input ends.
struct Supervisor {
    child: Child,
}

impl Supervisor {
    fn start() -> io::Result<Supervisor> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--supervise").stdin(Stdio::piped()).stdout(Stdio::piped());
        Ok(Supervisor { child: command.spawn()? })
    }

    fn keep(&mut self) -> io::Result<()> {
        let streams = self.child.stdin.as_mut().zip(self.child.stdout.as_mut());
        let (requests, answers) = streams.ok_or_else(|| io::Error::other("a supervisor without streams"))?;
        requests.write_all(b"k")?;
        answers.read_exact(&mut [0])
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // Its input ends with this, too; what it ends with says nothing about the rate.
        let _ = self.child.wait();
    }
}

/// Starts and awaits a process for every byte that it reads, and says so.
///
/// # Errors
/// If a process cannot be started.
pub(crate) fn supervise() -> anyhow::Result<()> {
    let (mut requests, mut answers) = (io::stdin(), io::stdout());
    while requests.read(&mut [0])? == 1 {
        start_and_await()?;
        answers.write_all(b"k")?;
        answers.flush()?;
    }
    Ok(())
}
