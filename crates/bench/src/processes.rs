//! Processes as cheaply as they can be had: what a step that starts one stands beside.

use std::io::{self, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::report::{Report, Row};

/// What every one of these processes is, here and in the measured plans.
const PROGRAM: &str = "true";
/// How many are under way: enough for any number of processors that the bench meets.
const AT_ONCE: usize = 8;

/// Processes a second, of nobody else on the machine.
#[derive(Clone, Copy)]
pub(crate) struct Yardstick {
    /// Started and awaited by threads of one process.
    pub(crate) bare: f64,
    /// By a process of its own each, which is told of it and says when it has ended: what R4 of the semantics asks for, and
    /// nothing of what it is asked for.
    pub(crate) supervised: f64,
}

impl Yardstick {
    /// Measures both, one after the other, right before steps of this kind.
    ///
    /// # Errors
    /// If a process cannot be started.
    pub(crate) fn measure(span: Duration, kind: &str, report: &mut Report) -> anyhow::Result<Yardstick> {
        let bare = rate(span, || Ok(start_and_await))?;
        let supervised = rate(span, || {
            let mut supervisor = Supervisor::start()?;
            Ok(move || supervisor.keep())
        })?;
        let what = format!("processes alone, {AT_ONCE} at once, before {kind}");
        report.add(Row::new(format!("{what}: bare loop"), "1/s", bare));
        let row = Row::new(format!("{what}: each by a supervisor"), "1/s", supervised);
        report.add(row.beside(Some(("bare loop", bare))));
        Ok(Yardstick { bare, supervised })
    }

    /// What steps with a process could come to, if each cost what a supervised process does and, besides, what a step
    /// costs that does nothing. Those come at a rate at which all that is done for many at once is done for the most.
    pub(crate) fn limit(self, of_steps_that_do_nothing: f64) -> f64 {
        1.0 / (1.0 / self.supervised + 1.0 / of_steps_that_do_nothing)
    }
}

/// How often a second so many threads do it together, each what `worker` has made for it.
fn rate<W>(span: Duration, worker: impl Fn() -> io::Result<W>) -> anyhow::Result<f64>
where
    W: FnMut() -> io::Result<()> + Send,
{
    let workers = (0..AT_ONCE).map(|_| worker()).collect::<io::Result<Vec<_>>>()?;
    let begin = Instant::now();
    let count_until_over = |mut work: W| {
        let mut count = 0_u32;
        while begin.elapsed() < span {
            work()?;
            count += 1;
        }
        Ok::<_, io::Error>(count)
    };
    let counts = std::thread::scope(|scope| {
        let threads: Vec<_> =
            workers.into_iter().map(|work| scope.spawn(move || count_until_over(work))).collect();
        let counts = threads.into_iter().map(|thread| thread.join().expect("no thread panics"));
        counts.sum::<io::Result<u32>>()
    });
    let counts = counts.context("a process of the yardstick cannot be started")?;
    Ok(f64::from(counts) / begin.elapsed().as_secs_f64())
}

fn start_and_await() -> io::Result<()> {
    Command::new(PROGRAM).stdin(Stdio::null()).status().map(drop)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_what_both_costs_leave() {
        let yardstick = Yardstick { bare: 3000.0, supervised: 2000.0 };
        assert!((yardstick.limit(2000.0) - 1000.0).abs() < 1e-9);
    }
}
