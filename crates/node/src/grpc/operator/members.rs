//! Who belongs to the cluster, who leads it, and backups.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::{SystemTime, UNIX_EPOCH};

use baton_api as api;
use baton_engine::Command;
use baton_engine::command::Request as By;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use super::OperatorService;
use crate::grpc::convert;
use crate::raft::ReadError;
use crate::raft::backup::Beginning;
use crate::raft::membership::ChangeError;

/// Bytes of a backup in one message.
const PART_BYTES: usize = 1 << 20;

/// A backup on its way out.
pub(crate) type Parts = Pin<Box<dyn Stream<Item = Result<api::BackupPart, Status>> + Send>>;

impl OperatorService {
    pub(super) async fn added(&self, request: api::AddMemberRequest) -> Result<api::MemberChanged, Status> {
        self.in_office()?;
        let api::AddMemberRequest { id, region, address } = request;
        if id == 0 || region.is_empty() || !address.contains(':') {
            return Err(Status::invalid_argument(
                "a member has an id above 0, a region and an address HOST:PORT",
            ));
        }
        self.linearize().await?;
        self.changed(self.cluster.add_member(id, region, address).await).await
    }

    pub(super) async fn promoted(&self, id: u64) -> Result<api::MemberChanged, Status> {
        self.in_office()?;
        self.linearize().await?;
        self.changed(self.cluster.promote_member(id).await).await
    }

    /// The id is retired first: if this leader dies in between, it is certain that the id never comes back, and the same
    /// command removes the member.
    pub(super) async fn removed(&self, id: u64) -> Result<api::MemberChanged, Status> {
        self.in_office()?;
        self.linearize().await?;
        if let Err(error) = self.cluster.may_remove(id).await {
            return self.changed(Err(error)).await;
        }
        self.propose(Command::RetireMember { node: id }).await?;
        self.changed(self.cluster.remove_member(id).await).await
    }

    pub(super) async fn transferred(
        &self,
        request: api::TransferLeaderRequest,
    ) -> Result<api::TransferLeaderResponse, Status> {
        self.in_office()?;
        self.linearize().await?;
        let own = self.config.id;
        // Asked for once more after it was done, by one who had no answer.
        let done = request.to.map_or(request.from != own, |to| to == own);
        if !done {
            self.cluster.transfer(request.to).await.map_err(|error| self.why(error))?;
        }
        let leader = self.cluster.leadership().borrow().leader.as_ref().map(|(id, _)| *id);
        leader
            .map(|leader| api::TransferLeaderResponse { leader })
            .ok_or_else(|| convert::not_leader(&self.cluster))
    }

    /// Only the leader knows the members: a region without one is refused here and not by the log.
    pub(super) async fn preferred(
        &self,
        request: api::PreferLeaderRequest,
    ) -> Result<api::PreferLeaderResponse, Status> {
        self.in_office()?;
        let api::PreferLeaderRequest { request_id, region, operator, roles } = request;
        let membership = self.cluster.membership();
        let voters: BTreeSet<_> = membership.voter_ids().collect();
        let standing = membership.nodes().filter(|(id, _)| voters.contains(id));
        let regions: BTreeSet<_> = standing.map(|(_, member)| member.region.as_str()).collect();
        if let Some(unknown) = region.as_deref().filter(|region| !regions.contains(region)) {
            let regions = Vec::from_iter(regions).join(", ");
            return Err(Status::not_found(format!(
                "no coordinator with a vote stands in {unknown}; the regions are: {regions}"
            )));
        }
        let request = By { id: request_id, operator, roles };
        let (revision, _) = self.propose(Command::PreferRegion { request, region }).await?;
        Ok(api::PreferLeaderResponse { revision })
    }

    pub(super) async fn backed_up(&self) -> Result<Parts, Status> {
        self.in_office()?;
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall_ms = i64::try_from(wall.as_millis()).unwrap_or(i64::MAX);
        let begun = self.cluster.begin_backup(wall_ms).await;
        let Beginning { bytes, archived } = begun.map_err(|error| match error {
            ReadError::NotLeader { .. } => convert::not_leader(&self.cluster),
            ReadError::Unavailable(reason) => Status::unavailable(reason),
        })?;
        let beginning = bytes.chunks(PART_BYTES).map(|part| Ok(api::BackupPart { bytes: part.to_vec() }));
        let beginning = tokio_stream::iter(beginning.collect::<Vec<_>>());
        let rest = self.cluster.archive_parts(0, archived);
        let rest = rest.map(|part| part.map(|bytes| api::BackupPart { bytes }).map_err(broken_off));
        Ok(Box::pin(beginning.chain(rest)))
    }

    async fn changed(&self, changed: Result<(), ChangeError>) -> Result<api::MemberChanged, Status> {
        changed.map_err(|error| self.why(error))?;
        Ok(api::MemberChanged { revision: *self.cluster.machine().applied().borrow() })
    }

    fn why(&self, error: ChangeError) -> Status {
        let text = error.to_string();
        match error {
            ChangeError::NotLeader => convert::not_leader(&self.cluster),
            ChangeError::NotFound(_) => Status::not_found(text),
            ChangeError::Refused(_) => Status::aborted(text),
            ChangeError::Unknown(_) => Status::unavailable(text),
        }
    }
}

fn broken_off(error: std::io::Error) -> Status {
    Status::internal(format!("the backup broke off: {error}"))
}
