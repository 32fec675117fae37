//! A real member's answers to a leader that a test plays.

#[path = "replicate_tests/slow_disk.rs"]
mod slow_disk;

use std::collections::BTreeMap;
use std::time::Duration;

use baton_api::connect::Connect as _;
use baton_api::peer_client::PeerClient;
use baton_storage::position::{Position, Vote};
use futures::FutureExt as _;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Code;
use tonic::transport::Endpoint;

use super::*;
use crate::config::Config;
use crate::raft::formats::{Append, AppendAnswer, Payload, WireEntry};
use crate::raft::pipes::Pipes;
use crate::surroundings::Surroundings;
use slow_disk::{Gate, behind};

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Member 2, and member 1's stream to it.
struct Member {
    _folder: TempDir,
    cluster: Cluster,
    gate: Arc<Gate>,
    frames: mpsc::UnboundedSender<Frame>,
    answers: Streaming<Frame>,
}

impl Member {
    async fn streamed_to() -> Self {
        let (folder, gate) = (tempfile::tempdir().unwrap(), Gate::closed());
        let listen = "127.0.0.1:1".parse().unwrap();
        let config = Config::new(2, "east", listen, folder.path(), BTreeMap::from([(2, "there:1".into())]));
        let surroundings = Surroundings { open_log: behind(&gate), ..Surroundings::default() };
        let cluster = Cluster::open(Arc::new(config), surroundings).await.unwrap();
        let pipes = Pipes::to(cluster.peer_service());
        let mut client = PeerClient::new(pipes.lazily(&Endpoint::from_static("http://there:1")));
        let (frames, sent) = mpsc::unbounded_channel();
        let answers = client.replicate(UnboundedReceiverStream::new(sent)).await.unwrap().into_inner();
        Self { _folder: folder, cluster, gate, frames, answers }
    }

    /// Sends the entry of this index, for the data folder `to`.
    fn asks_of(&self, index: u64, to: &str) {
        let at = |index| Position { term: 1, index };
        let append = Append {
            vote: Vote { term: 1, node: 1, committed: true },
            after: index.checked_sub(1).map(at),
            entries: vec![WireEntry { at: at(index), payload: Payload::Blank }],
            committed: None,
        };
        let (incarnation, cluster, to) = ("one".into(), "cluster".into(), to.into());
        let body = codec::encode(&append);
        self.frames.send(Frame { from: 1, incarnation, cluster, body, to, reach: None }).unwrap();
    }

    fn asks(&self, index: u64) {
        self.asks_of(index, self.cluster.standing().incarnation());
    }

    /// Waits until its disk was given so many entries.
    async fn is_given(&self, count: usize) {
        let mut given = self.gate.given.subscribe();
        let given = tokio::time::timeout(PATIENCE, given.wait_for(|given| *given == count));
        given.await.expect("it did not happen within a minute").unwrap();
    }

    async fn answers(&mut self) -> AppendAnswer {
        let frame = self.answers.message().await.unwrap().unwrap();
        assert_eq!((frame.from, frame.to.as_str()), (2, "one"));
        codec::decode(&frame.body).unwrap()
    }
}

#[tokio::test]
async fn the_next_is_taken_before_the_first_is_durable() {
    let mut member = Member::streamed_to().await;
    (0..3).for_each(|index| member.asks(index));
    member.is_given(3).await;
    assert!(member.answers.message().now_or_never().is_none());
    member.gate.open();
    for _ in 0..3 {
        assert_eq!(member.answers().await, AppendAnswer::Taken);
    }
}

#[tokio::test]
async fn a_conflict_is_the_last_answer() {
    let mut member = Member::streamed_to().await;
    member.gate.open();
    member.asks(0);
    member.asks(7);
    member.asks(8);
    assert_eq!(member.answers().await, AppendAnswer::Taken);
    assert_eq!(member.answers().await, AppendAnswer::Conflict);
    assert!(member.answers.message().await.unwrap().is_none());
}

#[tokio::test]
async fn a_frame_that_is_not_taken_ends_it_behind_the_answers_before_it() {
    let mut member = Member::streamed_to().await;
    member.asks(0);
    member.asks_of(1, "an older two");
    member.asks(2);
    member.is_given(1).await;
    member.gate.open();
    assert_eq!(member.answers().await, AppendAnswer::Taken);
    let refused = member.answers.message().await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("is for the data folder an older two"), "{refused}");
    assert_eq!(*member.gate.given.borrow(), 1);
}

#[tokio::test]
async fn who_was_disowned_is_told_so() {
    let mut member = Member::streamed_to().await;
    member.gate.open();
    member.asks(0);
    assert_eq!(member.answers().await, AppendAnswer::Taken);
    member.cluster.standing().disown("one");
    member.asks(1);
    let refused = member.answers.message().await.unwrap_err();
    assert!(refused.metadata().contains_key(baton_api::SET_BACK_METADATA), "{refused}");
}

#[tokio::test]
async fn an_idle_stream_ends_with_raft() {
    let mut member = Member::streamed_to().await;
    member.gate.open();
    member.asks(0);
    assert_eq!(member.answers().await, AppendAnswer::Taken);
    member.cluster.shutdown().await.unwrap();
    assert!(member.answers.message().await.unwrap().is_none());
}
