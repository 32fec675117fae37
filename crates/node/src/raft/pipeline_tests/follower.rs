//! A member's door with nothing behind it but a test.

use baton_api::peer_server::{Peer, PeerServer};
use baton_api::{Frame, IdentifyRequest, Identity};
use baton_storage::codec;
use baton_storage::position::Position;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::super::super::pipes::Pipes;
use super::{Append, AppendAnswer, Asked};

type Answer = Result<Frame, Status>;

/// The member.
pub(super) struct Follower {
    pub(super) way: Pipes,
    streams: mpsc::UnboundedReceiver<Stream>,
    calls: mpsc::UnboundedReceiver<Call>,
}

impl Follower {
    pub(super) fn new() -> Self {
        Self::that_knows_streams(true)
    }

    /// As it was before there were streams.
    pub(super) fn older() -> Self {
        Self::that_knows_streams(false)
    }

    fn that_knows_streams(knows: bool) -> Self {
        let (opened, streams) = mpsc::unbounded_channel();
        let (called, calls) = mpsc::unbounded_channel();
        let door = Door { opened: knows.then_some(opened), called };
        Self { way: Pipes::to(PeerServer::new(door)), streams, calls }
    }

    /// The next stream that is opened.
    pub(super) async fn stream(&mut self) -> Stream {
        self.streams.recv().await.unwrap()
    }

    /// The next call.
    pub(super) async fn call(&mut self) -> Call {
        self.calls.recv().await.unwrap()
    }

    pub(super) fn was_asked(&mut self) -> bool {
        self.streams.try_recv().is_ok() || self.calls.try_recv().is_ok()
    }
}

/// A stream of entries; without it, it is cut.
pub(super) struct Stream {
    frames: Streaming<Frame>,
    answers: mpsc::UnboundedSender<Answer>,
}

impl Stream {
    /// The next message.
    pub(super) async fn asks(&mut self) -> Append {
        append(&self.frames.message().await.unwrap().unwrap())
    }

    /// How far the next message's entries reach.
    pub(super) async fn asked(&mut self) -> Option<Position> {
        Asked::of(&self.asks().await).through
    }

    /// Whether no message has come.
    pub(super) fn is_silent(&mut self) -> bool {
        self.frames.message().now_or_never().is_none()
    }

    pub(super) fn says(&self, answer: AppendAnswer) {
        self.answers.send(Ok(frame(answer))).unwrap();
    }

    pub(super) fn refuses(&self, status: Status) {
        self.answers.send(Err(status)).unwrap();
    }

    /// Waits until the leader has ended it, with nothing more.
    pub(super) async fn is_let_go(&mut self) -> bool {
        !matches!(self.frames.message().await, Ok(Some(_)))
    }
}

/// One call.
pub(super) struct Call {
    frame: Frame,
    reply: oneshot::Sender<Frame>,
}

impl Call {
    pub(super) fn asked(&self) -> Option<Position> {
        Asked::of(&append(&self.frame)).through
    }

    pub(super) fn says(self, answer: AppendAnswer) {
        self.reply.send(frame(answer)).unwrap();
    }
}

fn append(frame: &Frame) -> Append {
    codec::decode(&frame.body).unwrap()
}

fn frame(answer: AppendAnswer) -> Frame {
    let body = codec::encode(&answer);
    Frame { from: 2, incarnation: "two".into(), cluster: "cluster".into(), body, ..Frame::default() }
}

struct Door {
    opened: Option<mpsc::UnboundedSender<Stream>>,
    called: mpsc::UnboundedSender<Call>,
}

fn unknown<T>() -> Result<T, Status> {
    Err(Status::unimplemented("no such method"))
}

#[tonic::async_trait]
impl Peer for Door {
    type ArchiveStream = BoxStream<'static, Answer>;
    type ReplicateStream = BoxStream<'static, Answer>;

    async fn append(&self, request: Request<Frame>) -> Result<Response<Frame>, Status> {
        let (reply, answer) = oneshot::channel();
        self.called.send(Call { frame: request.into_inner(), reply }).unwrap();
        Ok(Response::new(answer.await.unwrap()))
    }

    async fn replicate(
        &self,
        request: Request<Streaming<Frame>>,
    ) -> Result<Response<Self::ReplicateStream>, Status> {
        let Some(opened) = &self.opened else { return unknown() };
        let (answers, said) = mpsc::unbounded_channel();
        opened.send(Stream { frames: request.into_inner(), answers }).unwrap();
        Ok(Response::new(UnboundedReceiverStream::new(said).boxed()))
    }

    async fn identify(&self, _: Request<IdentifyRequest>) -> Result<Response<Identity>, Status> {
        unknown()
    }

    async fn vote(&self, _: Request<Frame>) -> Result<Response<Frame>, Status> {
        unknown()
    }

    async fn pre_vote(&self, _: Request<Frame>) -> Result<Response<Frame>, Status> {
        unknown()
    }

    async fn snapshot(&self, _: Request<Streaming<Frame>>) -> Result<Response<Frame>, Status> {
        unknown()
    }

    async fn transfer_leader(&self, _: Request<Frame>) -> Result<Response<Frame>, Status> {
        unknown()
    }

    async fn archive(&self, _: Request<Frame>) -> Result<Response<Self::ArchiveStream>, Status> {
        unknown()
    }
}
