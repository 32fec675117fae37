//! Following a run until it has ended, or until a person is needed. What is shown is decided
//! purely (`changes`, `frame`); a [`Screen`] shows it.

mod changes;
mod ending;
mod frame;
mod live;
mod plain;
mod stream;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use baton_client::view::RunView;
use baton_client::{Client, Error, News};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::failure::{Exit, Failure};

pub(crate) use ending::{ending, outcome};
pub(crate) use live::Live;
pub(crate) use plain::{Plain, Silent};
pub(crate) use stream::Stream;

/// How often a live picture is drawn again, so that its clocks move.
const TICK: Duration = Duration::from_millis(120);

/// Something that shows a run while it goes on.
pub(crate) trait Screen {
    /// The run has changed.
    fn changed(&mut self, run: &RunView) -> Result<(), Failure>;

    /// The coordinator that told about it is gone.
    fn lost(&mut self, why: &str);

    /// Time has passed.
    fn tick(&mut self) {}

    /// It is shown no longer.
    fn close(&mut self) {}
}

/// When to stop following.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Patience {
    /// Stay when the run needs an operator, instead of ending with exit code 6
    #[arg(long)]
    pub(crate) stay: bool,
    /// Give up after this long, with exit code 10; the run goes on
    #[arg(long, value_name = "DURATION", value_parser = crate::connection::duration)]
    pub(crate) wait_timeout: Option<Duration>,
}

/// Follows a run and says how it ended, with its last view.
pub(crate) async fn follow(
    client: &Client,
    run: &str,
    patience: Patience,
    screen: &mut dyn Screen,
) -> Result<(RunView, Exit), Failure> {
    let ended = watch(client, run, patience, screen).await;
    screen.close();
    ended
}

async fn watch(
    client: &Client,
    run: &str,
    patience: Patience,
    screen: &mut dyn Screen,
) -> Result<(RunView, Exit), Failure> {
    let mut watch = client.watch(run);
    let mut last = None;
    let limit = patience.wait_timeout;
    // Without a limit the branch that would wait for it is switched off.
    let until = Instant::now() + limit.unwrap_or_default();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        // One future for all ticks until it is ready: dropped, it would begin its search for a
        // leader anew at each of them, and never come to its deadline.
        let mut next = pin!(watch.next());
        let news = loop {
            tokio::select! {
                news = &mut next => break news.map_err(|error| cut_off(run, error))?,
                _ = ticks.tick() => screen.tick(),
                () = sleep_until(until), if limit.is_some() => return Err(timed_out(run, last.as_deref())),
                _ = tokio::signal::ctrl_c() => return Err(interrupted(run)),
            }
        };
        match news {
            Some(News::Changed(view)) => {
                screen.changed(&view)?;
                if let Some(exit) = ending(&view, patience.stay) {
                    return Ok((Arc::unwrap_or_clone(view), exit));
                }
                last = Some(view);
            }
            Some(News::Lost(why)) => screen.lost(&why),
            None => return Err(Failure::ours(format!("the watch of {run} ended before the run did"))),
        }
    }
}

fn timed_out(run: &str, last: Option<&RunView>) -> Failure {
    let status = last.map_or("not known yet", |view| view.status.as_str());
    Failure::new(Exit::WaitTimedOut, format!("the wait is over, and run {run} goes on (status: {status})"))
        .hint(format!("come back to it with: baton run watch {run}"))
}

/// Nobody tells about the run any more, which says nothing about the run.
fn cut_off(run: &str, error: Error) -> Failure {
    match error.is_no_quorum() {
        true => Failure::from(error).hint(format!(
            "run {run} goes on as soon as a quorum is there: baton run watch {run} comes back to it"
        )),
        false => error.into(),
    }
}

fn interrupted(run: &str) -> Failure {
    let message =
        format!("no longer watching; run {run} goes on. Come back to it with: baton run watch {run}");
    Failure::new(Exit::Interrupted, message)
}

#[cfg(test)]
mod tests;
