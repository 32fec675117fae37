//! One member as it is talked to: every frame is checked and understood here. Every call has a deadline: without one,
//! replication hangs on a member that was cut off, past the end of the partition.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use baton_api::peer_client::PeerClient;
use baton_api::{Frame, SET_BACK_METADATA};
use baton_storage::codec::{self, Record};
use baton_storage::position::Vote as VoteRecord;
use openraft::errors::{NetworkError, RPCError, Unreachable};
use openraft::network::RPCOption;
use openraft::raft::StreamAppendResult;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

use super::acknowledged::{Acknowledged, Asked};
use super::convert;
use super::formats::*;
use super::leadership::end;
use super::peers::{Peers, Purpose};
use super::snapshot::SnapshotBytes;
use super::standing::{Refusal, Standing};
use super::state_machine::blocking;
use super::types::*;

/// Entries may take a flush of a slow disk; heartbeats have a connection of their own.
const APPEND_WITHIN: Duration = Duration::from_secs(2);
const SNAPSHOT_WITHIN: Duration = Duration::from_secs(60);
const SNAPSHOT_PART_BYTES: usize = 1024 * 1024;

/// One member, over one connection.
pub(crate) struct Link {
    pub(super) id: u64,
    pub(super) acknowledged: Acknowledged,
    pub(super) standing: Arc<Standing>,
    pub(super) peers: Peers,
    pub(super) target: Member,
    pub(super) purpose: Purpose,
}

/// Why a call had no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
    #[error("{}", .0.message())]
    Refused(Box<Status>),
    #[error("it answers no more")]
    Ended,
    #[error("an answer came that nobody had asked for")]
    Unasked,
    #[error("an answer cannot be read: {0}")]
    Unreadable(#[from] codec::Error),
    #[error(transparent)]
    Untrusted(#[from] Refusal),
    #[error("the address cannot be used: {0}")]
    Address(#[from] tonic::transport::Error),
}

impl From<CallError> for RPCError<Types> {
    fn from(error: CallError) -> Self {
        match &error {
            // What could be busy for a moment is asked again at once, what is gone after a pause.
            CallError::Late(_) => Self::Network(NetworkError::new(&error)),
            _ => Self::Unreachable(Unreachable::new(&error)),
        }
    }
}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

impl Link {
    /// Sends one record and waits for the answer, both in frames.
    pub(super) async fn call<Q: Record, A: Record, F>(
        &self,
        question: &Q,
        within: Duration,
        send: impl FnOnce(PeerClient<Channel>, Frame) -> F,
    ) -> Result<A, CallError>
    where
        F: Future<Output = Result<Response<Frame>, Status>>,
    {
        self.trusts()?;
        let frame = self.frame(codec::encode(question));
        self.answer(within, send(self.client()?, frame)).await
    }

    async fn answer<A: Record>(
        &self,
        within: Duration,
        call: impl Future<Output = Result<Response<Frame>, Status>>,
    ) -> Result<A, CallError> {
        let answer = tokio::time::timeout(within, call).await;
        let answer = answer.map_err(|_| CallError::Late(within))?;
        let answer = answer.inspect_err(|status| self.heed(status))?;
        self.read(&answer.into_inner())
    }

    fn read<A: Record>(&self, frame: &Frame) -> Result<A, CallError> {
        self.standing.remember(frame);
        Ok(codec::decode(&frame.body)?)
    }

    /// What a refusal means for this member.
    pub(super) fn heed(&self, status: &Status) {
        if status.metadata().contains_key(SET_BACK_METADATA) {
            // Whoever is asked next might not know, and take this member's vote for one that counts.
            end(status.message());
        }
        if status.code() == Code::FailedPrecondition {
            self.peers.note_refusal(&self.target.address, status.message());
        }
    }

    /// What a member says to what it was asked to append.
    ///
    /// # Errors
    /// If it cannot be read, or denies what was acknowledged: then nothing that it says counts any more.
    pub(super) fn appended(
        &self,
        asked: &Asked,
        frame: &Frame,
    ) -> Result<StreamAppendResult<Types>, CallError> {
        let answer = self.read(frame)?;
        self.believes(asked, &answer)?;
        let [after, through] = [asked.after, asked.through].map(|at| at.map(convert::log_id));
        Ok(convert::append_response(answer).into_stream_result(after, through))
    }

    /// # Errors
    /// If this answer denies what was acknowledged.
    pub(super) fn believes(&self, asked: &Asked, answer: &AppendAnswer) -> Result<(), CallError> {
        if !self.acknowledged.has_gone_back(self.id, asked, answer) {
            return Ok(());
        }
        self.standing.disown(&self.target.incarnation);
        let refusal = self.trusts();
        refusal.inspect_err(|refusal| tracing::error!(member = self.id, "{refusal}")).map_err(CallError::from)
    }

    /// How long entries may take.
    pub(super) fn append_within(&self, option: &RPCOption) -> Duration {
        match self.purpose {
            Purpose::Heartbeat => option.hard_ttl(),
            Purpose::Log | Purpose::Snapshot => option.hard_ttl().max(APPEND_WITHIN),
        }
    }

    pub(super) fn trusts(&self) -> Result<(), Refusal> {
        self.standing.trusts(&self.target.incarnation)
    }

    pub(super) fn frame(&self, body: Vec<u8>) -> Frame {
        self.standing.frame(&self.target.incarnation, body)
    }

    pub(super) fn client(&self) -> Result<PeerClient<Channel>, tonic::transport::Error> {
        self.peers.client(&self.target.address, self.purpose)
    }

    pub(super) async fn send_snapshot(
        &self,
        vote: VoteRecord,
        snapshot: SnapshotBytes,
    ) -> Result<SnapshotAnswer, CallError> {
        self.trusts()?;
        let mut client = self.peers.client(&self.target.address, Purpose::Snapshot)?;
        let standing = Arc::clone(&self.standing);
        let to = self.target.incarnation.clone();
        let frames = futures::stream::unfold(Some(0), move |at: Option<u64>| {
            let (standing, to, snapshot) = (Arc::clone(&standing), to.clone(), snapshot.clone());
            async move {
                let at = at?;
                let read = move || snapshot.read_at(at, SNAPSHOT_PART_BYTES);
                let bytes = blocking(read).await.unwrap_or_default();
                // An empty part is the last; one that could not be read ends the snapshot too
                // early, which the receiver finds out.
                let next = (!bytes.is_empty()).then(|| at + bytes.len() as u64);
                let part = SnapshotPart { vote, bytes };
                Some((standing.frame(&to, codec::encode(&part)), next))
            }
        });
        self.answer(SNAPSHOT_WITHIN, client.snapshot(frames)).await
    }
}
