//! What runs share: regions, locks and resources.

use baton_api as api;
use baton_engine::command::Request as By;
use baton_engine::{Command, State};
use tonic::Status;

use super::OperatorService;
use crate::grpc::view;

impl OperatorService {
    pub(super) async fn region_lost(
        &self,
        request: api::RegionRequest,
    ) -> Result<api::RegionResponse, Status> {
        if request.reason.trim().is_empty() {
            let text = "declaring a region lost needs a reason: it stands in the record of every run there";
            return Err(Status::invalid_argument(text));
        }
        let (request, region, reason) = settled(request);
        let (revision, _) = self.propose(Command::DeclareLost { request, region, reason }).await?;
        Ok(api::RegionResponse { revision })
    }

    pub(super) async fn region_restored(
        &self,
        request: api::RegionRequest,
    ) -> Result<api::RegionResponse, Status> {
        let (request, region, reason) = settled(request);
        let (revision, _) = self.propose(Command::RestoreRegion { request, region, reason }).await?;
        Ok(api::RegionResponse { revision })
    }

    pub(super) async fn regions(
        &self,
        request: api::ListRegionsRequest,
    ) -> Result<api::ListRegionsResponse, Status> {
        let membership = self.cluster.membership();
        let leader = self.cluster.leadership().borrow().leader.as_ref().map(|(id, _)| *id);
        let members: Vec<_> = membership.nodes().map(|(id, member)| (*id, member.region.clone())).collect();
        let list = |state: &State, revision| api::ListRegionsResponse {
            regions: view::regions(state, &members, leader),
            revision,
        };
        self.read(request.stale, list).await
    }

    pub(super) async fn locks(
        &self,
        request: api::ListLocksRequest,
    ) -> Result<api::ListLocksResponse, Status> {
        let list = |state: &State, revision| api::ListLocksResponse {
            locks: view::locks(state, self.now_ms(state)),
            revision,
        };
        self.read(request.stale, list).await
    }

    pub(super) async fn resources(
        &self,
        request: api::ListResourcesRequest,
    ) -> Result<api::ListResourcesResponse, Status> {
        let list = |state: &State, revision| api::ListResourcesResponse {
            resources: view::resources(state),
            revision,
        };
        self.read(request.stale, list).await
    }

    pub(super) async fn capacity_set(
        &self,
        request: api::SetCapacityRequest,
    ) -> Result<api::SetCapacityResponse, Status> {
        let api::SetCapacityRequest { request_id, resource, capacity, reason, operator, roles } = request;
        let request = By { id: request_id, operator, roles };
        let command = Command::SetCapacity { request, resource, capacity, reason };
        let (revision, _) = self.propose(command).await?;
        Ok(api::SetCapacityResponse { revision })
    }
}

/// Who says so, about which region, and why.
fn settled(request: api::RegionRequest) -> (By, String, String) {
    let api::RegionRequest { request_id, region, reason, operator, roles } = request;
    (By { id: request_id, operator, roles }, region, reason)
}
