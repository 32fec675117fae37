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

/// When a client has asked enough.
#[derive(Clone, Copy)]
enum Until {
    /// At that time.
    Time(Instant),
    /// After that many questions.
    Count(usize),
}

impl Until {
    fn is_over(self, asked: usize) -> bool {
        match self {
            Until::Time(end) => Instant::now() >= end,
            Until::Count(count) => asked >= count,
        }
    }
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
    ask_until(clients, Until::Time(Instant::now() + span), ask).await
}

/// Lets each of `clients` ask so many times.
///
/// # Errors
/// The first error of a client.
pub(crate) async fn repeat<F>(
    clients: usize,
    times: usize,
    ask: impl Fn(usize) -> F + Clone + Send + 'static,
) -> anyhow::Result<Measured>
where
    F: Future<Output = anyhow::Result<()>> + Send,
{
    ask_until(clients, Until::Count(times), ask).await
}

async fn ask_until<F>(
    clients: usize,
    until: Until,
    ask: impl Fn(usize) -> F + Clone + Send + 'static,
) -> anyhow::Result<Measured>
where
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let begin = Instant::now();
    let mut asking = JoinSet::new();
    for client in 0..clients {
        let ask = ask.clone();
        asking.spawn(async move {
            let mut times = Vec::new();
            while !until.is_over(times.len()) {
                let asked = Instant::now();
                ask(client).await?;
                times.push(asked.elapsed());
            }
            anyhow::Ok(times)
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
