//! A closed load: so many clients, each asking again as soon as it was answered.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::figures::Times;

/// What a load came to.
pub(crate) struct Measured {
    /// Answers in a second.
    pub(crate) rate: f64,
    /// From asking to the answer.
    pub(crate) times: Times,
}

/// Lets `clients` ask for this long; `ask` is given the client's number. What was asked within that time is awaited and
/// counted, and so is the time that this takes: what one question brings may take as long as the span.
///
/// # Errors
/// The first error of a client.
pub(crate) async fn run<F>(
    clients: usize,
    span: Duration,
    ask: impl Fn(usize) -> F + Clone + Send + 'static,
) -> anyhow::Result<Measured>
where
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let begin = Instant::now();
    let end = begin + span;
    let mut asking = JoinSet::new();
    for client in 0..clients {
        let ask = ask.clone();
        asking.spawn(async move {
            let mut times = Vec::new();
            loop {
                let asked = Instant::now();
                if asked >= end {
                    return anyhow::Ok(times);
                }
                ask(client).await?;
                times.push(asked.elapsed());
            }
        });
    }
    let mut all = Vec::new();
    while let Some(times) = asking.join_next().await {
        all.extend(times??);
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
    let rate = all.len() as f64 / begin.elapsed().as_secs_f64();
    Ok(Measured { rate, times: Times::of(all) })
}
