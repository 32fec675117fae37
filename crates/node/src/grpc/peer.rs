//! What the other members ask of this one. Nothing is done for a frame before its sender, its
//! addressee and its cluster have been checked.

use baton_api::peer_server::{Peer, PeerServer};
use baton_api::{Frame, IdentifyRequest, Identity, SET_BACK_METADATA};
use baton_storage::codec::{self, Record};
use futures::StreamExt;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status, Streaming};

use super::replicate::{self, Frames};
use crate::apart::apart;
use crate::raft::formats::{Append, ArchiveAsked, SnapshotAnswer, SnapshotPart, Transfer, VoteAsked};
use crate::raft::{Asking, Cluster, MESSAGE_LIMIT, Refusal, convert, wire_reach};

/// What a member is told whose frame is not taken.
fn refused(refusal: Refusal) -> Status {
    let mut status = Status::failed_precondition(refusal.to_string());
    if matches!(refusal, Refusal::Disowned { .. }) {
        status.metadata_mut().insert(SET_BACK_METADATA, MetadataValue::from_static("true"));
    }
    status
}

type Answer = Result<Response<Frame>, Status>;

/// The members' door.
#[derive(Clone)]
pub struct PeerService {
    cluster: Cluster,
}

impl PeerService {
    pub(crate) fn server(cluster: Cluster) -> PeerServer<Self> {
        PeerServer::new(Self { cluster })
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT)
    }

    pub(super) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Checks a frame and reads its body.
    fn open<R: Record>(&self, frame: &Frame) -> Result<R, Status> {
        let membership = self.cluster.membership();
        self.cluster.standing().check(frame, &membership).map_err(refused)?;
        self.cluster.standing().remember(frame);
        codec::decode(&frame.body).map_err(unreadable)
    }

    /// Refuses what would have to be written where there is no room.
    fn has_room(&self) -> Result<(), Status> {
        match self.cluster.is_short_of_room() {
            true => Err(Status::resource_exhausted("this coordinator's disk is almost full")),
            false => Ok(()),
        }
    }

    /// A frame of a leader: its cluster is this member's from now on.
    async fn follow<R: Record>(&self, frame: &Frame) -> Result<R, Status> {
        let record = self.open(frame)?;
        if self.cluster.standing().cluster().is_empty() {
            let joined = self.cluster.join(frame.cluster.clone()).await;
            joined.map_err(|error| Status::internal(error.to_string()))?;
        }
        Ok(record)
    }

    /// What a leader asks this member to append, if the frame is taken.
    pub(super) async fn taken(&self, frame: &Frame) -> Result<Asking, Status> {
        let record: Append = self.follow(frame).await?;
        if !record.entries.is_empty() {
            self.has_room()?;
        }
        convert::append_request(record).map_err(unreadable)
    }

    fn answer<R: Record>(&self, to: &Frame, record: &R) -> Answer {
        let body = codec::encode(record);
        Ok(Response::new(self.cluster.standing().frame(&to.incarnation, body)))
    }
}

#[tonic::async_trait]
impl Peer for PeerService {
    type ArchiveStream = Frames;
    type ReplicateStream = Frames;

    async fn identify(&self, request: Request<IdentifyRequest>) -> Result<Response<Identity>, Status> {
        let remembered = self.cluster.standing().recall(&request.into_inner().incarnation);
        let remembered = remembered.map(wire_reach);
        Ok(Response::new(Identity { remembered, ..self.cluster.identity().await }))
    }

    async fn append(&self, request: Request<Frame>) -> Answer {
        let frame = request.into_inner();
        let request = self.taken(&frame).await?;
        let response = self.cluster.raft().append_entries(request).await;
        let answer = convert::append_answer(response.map_err(stopped)?);
        self.answer(&frame, &answer)
    }

    async fn replicate(&self, request: Request<Streaming<Frame>>) -> Result<Response<Frames>, Status> {
        Ok(Response::new(replicate::answers(self.clone(), request.into_inner())))
    }

    async fn vote(&self, request: Request<Frame>) -> Answer {
        let frame = request.into_inner();
        let record: VoteAsked = self.open(&frame)?;
        let response = self.cluster.raft().vote(convert::vote_request(record)).await;
        self.answer(&frame, &convert::vote_answer(response.map_err(stopped)?))
    }

    async fn pre_vote(&self, request: Request<Frame>) -> Answer {
        let frame = request.into_inner();
        let record: VoteAsked = self.open(&frame)?;
        let response = self.cluster.raft().pre_vote(convert::vote_request(record)).await;
        self.answer(&frame, &convert::vote_answer(response.map_err(stopped)?))
    }

    async fn snapshot(&self, request: Request<Streaming<Frame>>) -> Answer {
        self.has_room()?;
        let mut frames = request.into_inner();
        let snapshots = self.cluster.snapshots();
        let mut incoming = snapshots.incoming().map_err(internal)?;
        let mut last = None;
        while let Some(frame) = frames.message().await? {
            let part: SnapshotPart = self.follow(&frame).await?;
            let bytes = part.bytes;
            let added = apart(move || incoming.add(&bytes).map(|()| incoming));
            incoming = added.await.map_err(internal)?.map_err(internal)?;
            last = Some((frame, part.vote));
        }
        let (frame, vote) = last.ok_or_else(|| Status::invalid_argument("a snapshot without a part came"))?;
        let finished = apart(move || incoming.finish());
        let (snapshot, archived) = finished.await.map_err(internal)?.map_err(internal)?;
        let members = snapshot.meta.last_membership.membership();
        let sender = members.get_node(&frame.from).ok_or_else(|| internal("its sender is no member"))?;
        self.cluster.fetch_archive(sender, archived).await.map_err(internal)?;
        let raft = self.cluster.raft();
        let response = raft.install_full_snapshot(convert::vote(vote), snapshot).await;
        let vote = convert::vote_record(&response.map_err(stopped)?.vote);
        self.answer(&frame, &SnapshotAnswer { vote })
    }

    async fn archive(&self, request: Request<Frame>) -> Result<Response<Frames>, Status> {
        let frame = request.into_inner();
        let ArchiveAsked { from, to } = self.open(&frame)?;
        let files = self.cluster.machine().archive().files();
        if !files.holds(from) || !files.holds(to) {
            return Err(Status::failed_precondition(
                "the archive of ended runs there is no beginning of the one here, so it cannot be completed: move that \
                 member's data folder away and bring it back under a new id",
            ));
        }
        let (cluster, incarnation) = (self.cluster.clone(), frame.incarnation);
        let parts = self.cluster.archive_parts(from.count, to.count);
        let parts = parts
            .map(move |part| part.map(|part| cluster.standing().frame(&incarnation, part)).map_err(internal));
        Ok(Response::new(Box::pin(parts)))
    }

    async fn transfer_leader(&self, request: Request<Frame>) -> Answer {
        let frame = request.into_inner();
        let record: Transfer = self.open(&frame)?;
        self.has_room()?;
        let request = convert::transfer_request(record);
        let response = self.cluster.raft().handle_transfer_leader(request).await;
        let answer = convert::transfer_answer(response.map_err(stopped)?);
        self.answer(&frame, &answer)
    }
}

fn unreadable(error: codec::Error) -> Status {
    Status::invalid_argument(format!("a frame cannot be read: {error}"))
}

pub(super) fn stopped(error: impl std::fmt::Display) -> Status {
    Status::unavailable(format!("this coordinator is stopping: {error}"))
}

fn internal(error: impl std::fmt::Display) -> Status {
    Status::internal(format!("the snapshot could not be kept: {error}"))
}
