//! A new coordinator that joins behind a long past, while steps go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use baton_client::{Client, Error};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::machine::resident_bytes;
use crate::place::Place;
use crate::report::{Report, Row};
use crate::steps::one_run;

/// Where it stands.
const REGION: &str = "east";
const LOOK: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(120);

/// What goes on meanwhile: so many runs at once of a plan of so many steps.
pub(crate) struct Meanwhile {
    pub(crate) plan: &'static str,
    pub(crate) steps: usize,
    pub(crate) at_once: usize,
}

/// Measures how long it takes until a newcomer has a vote, and the rate of steps meanwhile beside the rate before.
///
/// # Errors
/// If it is never caught up, or a run does not succeed.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) async fn measure(
    place: &mut Place,
    load: &Meanwhile,
    span: Duration,
    report: &mut Report,
) -> anyhow::Result<()> {
    let client = place.client()?;
    let going = Going::on(&client, load);
    // Its first moments are no load yet.
    sleep(span / 2).await;
    let since = going.now();
    sleep(span).await;
    let before = going.pace(&since);
    let since = going.now();
    let (id, address) = place.newcomer(REGION)?;
    at_last(|| client.add_member(id, REGION, &address)).await.context("it is not taken in")?;
    let taken_in = since.at.elapsed();
    at_last(|| client.promote_member(id)).await.context("it is not given a vote")?;
    let (promoted, meanwhile) = (since.at.elapsed(), going.pace(&since));
    going.end().await?;
    let what = "a new coordinator's start → caught up and promoted, while steps go on";
    let note = format!("taken in after {:.1} s", taken_in.as_secs_f64());
    report.add(Row::new(what, "s", promoted.as_secs_f64()).note(note));
    let row = Row::new("steps meanwhile", "1/s", meanwhile.rate * load.steps as f64);
    let row = row.beside(Some(("before", before.rate * load.steps as f64)));
    report.add(
        row.note(format!("the slowest run {} ms; before, {} ms", meanwhile.slowest_ms, before.slowest_ms)),
    );
    let memory = resident_bytes(place.pid(id)?) as f64 / 1_048_576.0;
    report.add(Row::new("the new coordinator's memory then", "MiB", memory));
    Ok(())
}

/// Asks until it is not refused any more, as it is before the newcomer answers and while it is behind.
async fn at_last<F>(ask: impl Fn() -> F) -> anyhow::Result<()>
where
    F: Future<Output = Result<u64, Error>>,
{
    let since = Instant::now();
    loop {
        match ask().await {
            Ok(_) => return Ok(()),
            Err(Error::Refused(_) | Error::NoQuorum(_)) if since.elapsed() < PATIENCE => sleep(LOOK).await,
            Err(error) => bail!(error),
        }
    }
}

/// Runs that are started again when they are over, until it is ended.
struct Going {
    runs: JoinSet<anyhow::Result<()>>,
    done: Arc<Done>,
}

#[derive(Default)]
struct Done {
    count: AtomicUsize,
    /// Of those that ended since somebody asked.
    slowest_ms: AtomicU64,
}

/// Where it stood at a time.
struct Since {
    at: Instant,
    count: usize,
}

/// How it went since then.
struct Pace {
    /// Runs in a second.
    rate: f64,
    slowest_ms: u64,
}

impl Going {
    fn on(client: &Client, load: &Meanwhile) -> Going {
        let (mut runs, done, plan) = (JoinSet::new(), Arc::<Done>::default(), load.plan);
        for _ in 0..load.at_once {
            let (client, done) = (client.clone(), Arc::clone(&done));
            runs.spawn(async move {
                loop {
                    let begin = Instant::now();
                    one_run(&client, plan).await?;
                    let took_ms = u64::try_from(begin.elapsed().as_millis())?;
                    done.slowest_ms.fetch_max(took_ms, Ordering::Relaxed);
                    done.count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Going { runs, done }
    }

    fn now(&self) -> Since {
        self.done.slowest_ms.store(0, Ordering::Relaxed);
        Since { at: Instant::now(), count: self.done.count.load(Ordering::Relaxed) }
    }

    #[expect(clippy::cast_precision_loss, reason = "a count of runs")]
    fn pace(&self, since: &Since) -> Pace {
        let count = self.done.count.load(Ordering::Relaxed) - since.count;
        Pace {
            rate: count as f64 / since.at.elapsed().as_secs_f64(),
            slowest_ms: self.done.slowest_ms.load(Ordering::Relaxed),
        }
    }

    /// Breaks off what is under way.
    ///
    /// # Errors
    /// Of a run that did not succeed.
    async fn end(mut self) -> anyhow::Result<()> {
        self.runs.abort_all();
        while let Some(ended) = self.runs.join_next().await {
            // Whoever was broken off has nothing to say.
            if let Ok(ended) = ended {
                ended?;
            }
        }
        Ok(())
    }
}
