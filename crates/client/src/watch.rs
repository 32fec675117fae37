//! Following a run through any number of leaders.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use baton_api as api;
use tokio::time::{Instant, sleep, timeout};
use tonic::Streaming;

use crate::verdict::describe;
use crate::view::RunView;
use crate::{Client, Error, convert};

/// A coordinator that takes the watch over tells the whole run within this time, or is given up.
const FIRST_WORD: Duration = Duration::from_millis(2500);
/// Before a coordinator is asked again after it has let us down.
const PAUSE: Duration = Duration::from_millis(50);

/// What a watch has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The whole run after a change.
    Changed(Arc<RunView>),
    /// The coordinator that told us is gone, for this reason; another is being looked for.
    Lost(String),
}

/// A run as it is now, and again at every change.
#[derive(Debug)]
pub struct Watch {
    client: Client,
    run: String,
    stream: Option<Open>,
    view: Option<Arc<RunView>>,
    /// Since when no coordinator has told anything.
    silent_since: Option<Instant>,
}

/// A stream that is under way.
#[derive(Debug)]
struct Open {
    stream: Streaming<api::RunView>,
    has_spoken: bool,
}

impl Watch {
    pub(crate) fn new(client: Client, run: &str) -> Self {
        Self { client, run: run.to_owned(), stream: None, view: None, silent_since: None }
    }

    /// The next thing to tell; `None` once the run has ended. Nothing is missed when the future is
    /// dropped before it is ready, but a search for a leader then begins anew, deadline and all:
    /// keep the future where you wait for something else as well.
    ///
    /// # Errors
    /// [`Error::NoQuorum`] when no coordinator takes the watch over within the client's
    /// deadline, [`Error::NotFound`] when there is no such run.
    pub async fn next(&mut self) -> Result<Option<News>, Error> {
        if self.view.as_ref().is_some_and(|view| view.has_ended()) {
            return Ok(None);
        }
        if self.stream.is_none() {
            self.open().await?;
        }
        let heard = match &mut self.stream {
            Some(open) => open.hear().await,
            None => Err("no stream is open".into()),
        };
        match heard {
            Ok((told, whole)) => {
                self.silent_since = None;
                let told = convert::run(told)?;
                let known = self.view.take().filter(|_| !whole);
                let view = Arc::new(match known {
                    Some(known) => merge(Arc::unwrap_or_clone(known), told),
                    None => told,
                });
                self.view = Some(Arc::clone(&view));
                if view.has_ended() {
                    self.hang_up().await;
                }
                Ok(Some(News::Changed(view)))
            }
            Err(why) => {
                self.stream = None;
                self.silent_since.get_or_insert_with(Instant::now);
                Ok(Some(News::Lost(why)))
            }
        }
    }

    /// Lets the coordinator end the stream, which it does with the run. Cutting it off would be taken for an attack where
    /// many runs end in a short time.
    async fn hang_up(&mut self) {
        if let Some(mut open) = self.stream.take() {
            // Whatever it still says or fails to say, the run has ended.
            let _ = timeout(PAUSE, open.stream.message()).await;
        }
    }

    async fn open(&mut self) -> Result<(), Error> {
        if let Some(since) = self.silent_since {
            // Coordinators that take a stream and drop it again must not keep us busy for ever.
            if since.elapsed() >= self.client.deadline() {
                let mut failure = self.client.no_quorum(None);
                failure.waited = since.elapsed();
                failure.last = Some("the stream ended before it said anything".into());
                return Err(Error::NoQuorum(failure));
            }
            sleep(PAUSE).await;
        }
        let request = api::GetRunRequest { run: self.run.clone(), stale: false };
        let stream = self
            .client
            .ask(None, |mut operator| {
                let request = request.clone();
                async move { operator.watch_run(request).await }
            })
            .await?;
        self.stream = Some(Open { stream, has_spoken: false });
        Ok(())
    }
}

impl Open {
    /// The next message, and whether it holds the whole run.
    async fn hear(&mut self) -> Result<(api::RunView, bool), String> {
        let message = if self.has_spoken {
            // Silence is the rule here; a dead connection is noticed by its keepalive.
            self.stream.message().await
        } else {
            timeout(FIRST_WORD, self.stream.message()).await.map_err(|_| "it says nothing".to_owned())?
        };
        match message {
            Ok(Some(message)) => Ok((message, !std::mem::replace(&mut self.has_spoken, true))),
            Ok(None) => Err("it leads no longer".into()),
            Err(status) => Err(describe(&status)),
        }
    }
}

/// Puts the steps that changed into the run as it was known, and new ones behind them.
fn merge(known: RunView, mut told: RunView) -> RunView {
    // A run may have thousands of steps, of which many have changed at once.
    let changed = told.steps.drain(..).enumerate().map(|(place, step)| (step.step.clone(), (place, step)));
    let mut changed: HashMap<_, _> = changed.collect();
    let mut steps = known.steps;
    for step in &mut steps {
        if let Some((_, now)) = changed.remove(&step.step) {
            *step = now;
        }
    }
    let mut new: Vec<_> = changed.into_values().collect();
    new.sort_unstable_by_key(|(place, _)| *place);
    steps.extend(new.into_iter().map(|(_, step)| step));
    RunView { steps, ..told }
}
