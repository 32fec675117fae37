//! Raft's messages to the other members.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use baton_api::peer_client::PeerClient;
use futures::Stream;
use openraft::base::{BoxFuture, BoxStream};
use openraft::errors::{RPCError, ReplicationClosed, StreamingError};
use openraft::network::{Backoff, RPCOption, stream_append_sequential};
use openraft::raft::{
    AppendEntriesResponse, SnapshotResponse, StreamAppendResult, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{OptionalSend, RaftNetworkFactory, RaftNetworkV2};
use tonic::transport::Channel;
use tracing::{Instrument as _, debug_span};

use super::acknowledged::{Acknowledged, Asked};
use super::convert;
use super::link::Link;
use super::peers::{Peers, Purpose};
use super::pipeline;
use super::snapshot::SnapshotBytes;
use super::standing::Standing;
use super::types::*;

/// How long to leave a member alone that could not be reached.
const BACKOFF: Duration = Duration::from_millis(50);

/// Makes the connections.
pub(crate) struct Network {
    pub(crate) standing: Arc<Standing>,
    pub(crate) peers: Peers,
    pub(crate) acknowledged: Acknowledged,
}

impl Network {
    fn link(&self, id: u64, target: &Member, purpose: Purpose) -> Link {
        Link {
            id,
            acknowledged: self.acknowledged.clone(),
            standing: Arc::clone(&self.standing),
            peers: self.peers.clone(),
            target: target.clone(),
            purpose,
        }
    }
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Link;

    async fn new_client(&mut self, id: u64, target: &Member) -> Link {
        self.link(id, target, Purpose::Log)
    }

    async fn new_heartbeat_client(&mut self, id: u64, target: &Member) -> Link {
        self.link(id, target, Purpose::Heartbeat)
    }

    async fn new_snapshot_client(&mut self, id: u64, target: &Member) -> Link {
        self.link(id, target, Purpose::Snapshot)
    }
}

type Answers<'s> = Result<BoxStream<'s, Result<StreamAppendResult<Types>, RPCError<Types>>>, RPCError<Types>>;

impl RaftNetworkV2<Types> for Link {
    type SnapshotData = SnapshotBytes;

    async fn append_entries(
        &mut self,
        request: Asking,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<Types>, RPCError<Types>> {
        let record = convert::append_record(&request);
        let send = |mut client: PeerClient<Channel>, frame| async move { client.append(frame).await };
        let call = self.call(&record, self.append_within(&option), send);
        let answer = match request.entries.last() {
            None => call.await?,
            Some(last) => {
                let through = last.log_id.index;
                call.instrument(debug_span!(target: "stage", "replicate", to = self.id, through)).await?
            }
        };
        self.believes(&Asked::of(&record), &answer)?;
        Ok(convert::append_response(answer))
    }

    fn stream_append<'s, S>(&'s mut self, input: S, option: RPCOption) -> BoxFuture<'s, Answers<'s>>
    where
        S: Stream<Item = Asking> + OptionalSend + Unpin + 'static,
    {
        match self.purpose {
            Purpose::Log => Box::pin(async { Ok(pipeline::replicate(self, input, option)) }),
            Purpose::Heartbeat | Purpose::Snapshot => stream_append_sequential(self, input, option),
        }
    }

    async fn vote(
        &mut self,
        request: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        let record = convert::vote_asked(&request);
        let send = |mut client: PeerClient<Channel>, frame| async move { client.vote(frame).await };
        let answer = self.call(&record, option.hard_ttl(), send).await?;
        Ok(convert::vote_response(answer))
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<Types>,
        option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        let record = convert::vote_asked(&request);
        let send = |mut client: PeerClient<Channel>, frame| async move { client.pre_vote(frame).await };
        let answer = self.call(&record, option.hard_ttl(), send).await?;
        Ok(convert::vote_response(answer))
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: RaftSnapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let vote = convert::vote_record(&vote);
        let answer = tokio::select! {
            answer = self.send_snapshot(vote, snapshot.snapshot) => answer,
            closed = cancel => return Err(closed.into()),
        };
        let answer = answer.map_err(RPCError::from)?;
        Ok(SnapshotResponse::new(convert::vote(answer.vote)))
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<Types>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<Types>, RPCError<Types>> {
        let record = convert::transfer_record(&request);
        let send =
            |mut client: PeerClient<Channel>, frame| async move { client.transfer_leader(frame).await };
        let answer = self.call(&record, option.hard_ttl(), send).await?;
        Ok(convert::transfer_response(answer))
    }

    fn backoff(&self) -> Option<Backoff> {
        Some(Backoff::new(std::iter::repeat(BACKOFF)))
    }
}
