//! Entries on their way to one follower: several messages in one stream, which keeps their order, so that the next is under
//! way while one is being made durable. Ends with the first that is not taken; raft goes on from what was acknowledged.

use std::pin::Pin;
use std::time::Duration;

use baton_api::Frame;
use baton_storage::codec;
use futures::stream::{self, BoxStream, Fuse};
use futures::{Stream, StreamExt as _, TryFutureExt as _};
use openraft::errors::RPCError;
use openraft::network::{RPCOption, stream_append_sequential};
use openraft::raft::StreamAppendResult;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use tracing::debug_span;

use super::acknowledged::Asked;
use super::convert;
use super::in_flight::{InFlight, MOST, Sent};
use super::link::{CallError, Link};
use super::types::*;

/// So long a commit waits for entries to go with: that saves every other message. A follower applies so much later.
const COMMIT_WAITS: Duration = Duration::from_millis(2);

type Told = Result<StreamAppendResult<Types>, RPCError<Types>>;

/// What raft's requests become, in their order.
pub(super) fn replicate<'s, S>(link: &'s mut Link, input: S, option: RPCOption) -> BoxStream<'s, Told>
where
    S: Stream<Item = Asking> + Send + Unpin + 'static,
{
    let pipeline = Way::Stream(Box::new(Pipeline::new(link, input, option)));
    Box::pin(stream::unfold(Some(pipeline), |way| async { way?.next().await }))
}

/// How the messages go.
enum Way<'s, S> {
    Stream(Box<Pipeline<'s, S>>),
    /// To an older member: one call after the other.
    Calls(BoxStream<'s, Told>),
}

impl<'s, S> Way<'s, S>
where
    S: Stream<Item = Asking> + Send + Unpin + 'static,
{
    async fn next(self) -> Option<(Told, Option<Self>)> {
        let mut pipeline = match self {
            Self::Stream(pipeline) => pipeline,
            Self::Calls(mut told) => return Some((told.next().await?, Some(Self::Calls(told)))),
        };
        match pipeline.turn().await {
            Turn::Told(told) => Some((Ok(told), Some(Self::Stream(pipeline)))),
            Turn::Ends(told) => Some((told.map_err(RPCError::from), None)),
            Turn::Over => None,
            Turn::Older(first) => {
                let told = pipeline.one_by_one(first).await;
                let mut told = told.unwrap_or_else(|error| stream::iter([Err(error)]).boxed());
                Some((told.next().await?, Some(Self::Calls(told))))
            }
        }
    }
}

/// What a pipeline has come to.
enum Turn {
    /// An answer; it goes on.
    Told(StreamAppendResult<Types>),
    /// The last answer, or why there is none.
    Ends(Result<StreamAppendResult<Types>, CallError>),
    /// Everything was answered, and there is no more.
    Over,
    /// The member does not know the stream, and this message has still to be sent.
    Older(Asking),
}

enum Event {
    Answer(Option<Result<Frame, Status>>),
    Request(Option<Asking>),
    Alarm,
}

/// A stream to a member.
struct Line {
    frames: mpsc::Sender<Frame>,
    answers: BoxStream<'static, Result<Frame, Status>>,
}

struct Pipeline<'s, S> {
    link: &'s mut Link,
    /// Raft's requests: taken from here only while there is room, and never by another task, for raft waits for them to
    /// be let go of when the pipeline has ended.
    input: Fuse<S>,
    option: RPCOption,
    /// Opened with the first message, and with the first after it broke while nothing was under way.
    line: Option<Line>,
    in_flight: InFlight,
    /// A commit without entries, and when it goes by itself.
    held: Option<(Asking, Instant)>,
    /// Never later than what is due first. Set anew when it rings, not with each message.
    alarm: Pin<Box<Sleep>>,
    /// The message that opened the line, until it is answered.
    first: Option<Asking>,
}

impl<'s, S> Pipeline<'s, S>
where
    S: Stream<Item = Asking> + Send + Unpin + 'static,
{
    fn new(link: &'s mut Link, input: S, option: RPCOption) -> Self {
        let now = Instant::now();
        let in_flight = InFlight::new(link.append_within(&option), now);
        let alarm = Box::pin(sleep_until(now));
        Self { link, input: input.fuse(), option, line: None, in_flight, held: None, alarm, first: None }
    }

    async fn turn(&mut self) -> Turn {
        while !self.input.is_done() || self.awaits().is_some() {
            let event = self.event().await;
            if let Err(turn) = self.happened(event) {
                return turn;
            }
        }
        Turn::Over
    }

    /// When something is due, if anything is.
    fn awaits(&self) -> Option<Instant> {
        let held = self.held.as_ref().filter(|_| self.in_flight.has_room());
        let held = held.map(|(_, goes)| *goes);
        held.into_iter().chain(self.in_flight.due()).min()
    }

    async fn event(&mut self) -> Event {
        let is_due = self.awaits().is_some();
        let answer = async {
            match &mut self.line {
                Some(line) => line.answers.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            answer = answer => Event::Answer(answer),
            request = self.input.next(), if !self.input.is_done() && self.in_flight.has_room() => Event::Request(request),
            () = self.alarm.as_mut(), if is_due => Event::Alarm,
        }
    }

    /// # Errors
    /// With what it leads to for raft, if it does.
    fn happened(&mut self, event: Event) -> Result<(), Turn> {
        match event {
            Event::Answer(Some(Ok(frame))) => Err(self.told(&frame)),
            Event::Answer(broken) => self.broken(broken.and_then(Result::err)),
            Event::Request(Some(commit)) if commit.entries.is_empty() => {
                let now = Instant::now();
                let goes = self.held.take().map_or(now + COMMIT_WAITS, |(_, goes)| goes);
                self.held = Some((commit, goes));
                self.set_alarm();
                Ok(())
            }
            Event::Request(Some(entries)) => {
                // They bring the newest commit along.
                self.held = None;
                self.send(entries)
            }
            Event::Request(None) => self.held.take().map_or(Ok(()), |(commit, _)| self.send(commit)),
            Event::Alarm => self.rings(Instant::now()),
        }
    }

    fn rings(&mut self, now: Instant) -> Result<(), Turn> {
        if self.in_flight.due().is_some_and(|due| due <= now) {
            return Err(Turn::Ends(Err(CallError::Late(self.in_flight.within()))));
        }
        if let Some((commit, _)) = self.held.take_if(|(_, goes)| *goes <= now && self.in_flight.has_room()) {
            return self.send(commit);
        }
        self.set_alarm();
        Ok(())
    }

    /// Makes it ring in time. One that is set earlier rings for nothing, which costs less than setting it each time.
    fn set_alarm(&mut self) {
        if let Some(due) = self.awaits()
            && (self.alarm.is_elapsed() || due < self.alarm.deadline())
        {
            self.alarm.as_mut().reset(due);
        }
    }

    fn send(&mut self, request: Asking) -> Result<(), Turn> {
        self.put(request).map_err(|error| Turn::Ends(Err(error)))?;
        self.set_alarm();
        Ok(())
    }

    fn put(&mut self, request: Asking) -> Result<(), CallError> {
        let link = &*self.link;
        link.trusts()?;
        let record = convert::append_record(&request);
        let body = codec::encode(&record);
        let line = match &mut self.line {
            Some(line) => line,
            None => self.line.insert(open(link)?),
        };
        let last = request.entries.last().map(|last| last.log_id.index);
        let stage = last.map(|through| debug_span!(target: "stage", "replicate", to = link.id, through));
        let sent = Sent { asked: Asked::of(&record), bytes: body.len(), stage };
        self.in_flight.push(sent, Instant::now());
        // There is room for as many as may be under way; if nobody takes it any more, the answers say why.
        let _ = line.frames.try_send(link.frame(body));
        self.first = (!self.in_flight.is_proven()).then_some(request);
        Ok(())
    }

    fn told(&mut self, frame: &Frame) -> Turn {
        let Some(Sent { asked, stage, .. }) = self.in_flight.answered(Instant::now()) else {
            return Turn::Ends(Err(CallError::Unasked));
        };
        drop(stage);
        self.first = None;
        // A commit may have waited for room.
        self.set_alarm();
        match self.link.appended(&asked, frame) {
            Ok(told) if told == Ok(asked.through.map(convert::log_id)) => Turn::Told(told),
            other => Turn::Ends(other),
        }
    }

    /// The line was cut, or refused. Where nothing is under way, there will be another.
    fn broken(&mut self, status: Option<Status>) -> Result<(), Turn> {
        self.line = None;
        if self.in_flight.is_empty() {
            status.inspect(|status| self.link.heed(status));
            self.in_flight.begin_anew();
            return Ok(());
        }
        let Some(status) = status else { return Err(Turn::Ends(Err(CallError::Ended))) };
        if status.code() == Code::Unimplemented
            && let Some(first) = self.first.take()
        {
            return Err(Turn::Older(first));
        }
        self.link.heed(&status);
        Err(Turn::Ends(Err(status.into())))
    }

    async fn one_by_one(self, first: Asking) -> Result<BoxStream<'s, Told>, RPCError<Types>> {
        let held = self.held.map(|(commit, _)| commit);
        let requests = stream::iter([first]).chain(stream::iter(held)).chain(self.input);
        stream_append_sequential(self.link, requests, self.option).await
    }
}

fn open(link: &Link) -> Result<Line, CallError> {
    let mut client = link.client()?;
    let (frames, sent) = mpsc::channel(MOST);
    let call = async move { client.replicate(ReceiverStream::new(sent)).await };
    let answers = call.map_ok(tonic::Response::into_inner).try_flatten_stream();
    Ok(Line { frames, answers: answers.boxed() })
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
