//! What people and programs ask of the cluster. Reads are linearizable unless they ask for less.
//!
//! Here stand the service and its ways in and out; what each request does stands in a file a subject below.

mod decisions;
mod members;
mod plans;
mod runs;
mod shared;

use std::sync::Arc;

use baton_api as api;
use baton_api::operator_server::Operator;
use baton_engine::{Answer, Batch, Command, State};
use baton_storage::sabotage::{self, Bug};
use tonic::{Request, Response, Status};

use crate::config::Config;
use crate::grpc::{convert, view};
use crate::leader::office::{CurrentOffice, Office};
use crate::raft::{Cluster, ReadError};

/// The `Operator` service of one coordinator.
pub(crate) struct OperatorService {
    pub(crate) config: Arc<Config>,
    pub(crate) cluster: Cluster,
    pub(crate) office: CurrentOffice,
}

impl OperatorService {
    /// The term that this coordinator is in, where it leads.
    fn in_office(&self) -> Result<Arc<Office>, Status> {
        self.office.borrow().clone().ok_or_else(|| convert::not_leader(&self.cluster))
    }

    async fn propose(&self, command: Command) -> Result<(u64, Answer), Status> {
        let office = self.in_office()?;
        if sabotage::planted(Bug::AckBeforeCommit) {
            return self.answer_early(&office, command);
        }
        let done = office.proposer.propose(command).await;
        done.map(|done| (done.index, done.answer)).map_err(|error| convert::status(error, &self.cluster))
    }

    /// What the engine will answer, before anybody but this coordinator has the entry: a planted bug.
    fn answer_early(&self, office: &Office, command: Command) -> Result<(u64, Answer), Status> {
        let (mut state, index) = self
            .cluster
            .machine()
            .read(|state| (state.clone(), *self.cluster.machine().applied().borrow() + 1));
        let batch = Batch { stamp: office.clock.now(), term: office.term, commands: vec![command.clone()] };
        let replies = state.apply(index, &batch);
        let proposer = office.proposer.clone();
        tokio::spawn(async move { proposer.propose(command).await });
        match replies.into_iter().next() {
            Some(Ok(answer)) => Ok((index, answer)),
            Some(Err(rejection)) => Err(convert::rejected(rejection)),
            None => Err(Status::internal("the engine answered nothing")),
        }
    }

    /// Reads the state as one copy would (P4), or as this coordinator knows it where that is enough.
    async fn read<T>(&self, stale: bool, view: impl FnOnce(&State, u64) -> T) -> Result<T, Status> {
        let machine = self.cluster.machine();
        if !stale && !sabotage::planted(Bug::StaleRead) {
            self.linearize().await?;
        }
        let revision = *machine.applied().borrow();
        Ok(machine.read(|state| view(state, revision)))
    }

    async fn linearize(&self) -> Result<u64, Status> {
        self.cluster.linearize().await.map_err(|error| match error {
            ReadError::NotLeader { .. } => convert::not_leader(&self.cluster),
            ReadError::Unavailable(reason) => Status::unavailable(reason),
        })
    }

    /// Cluster time: the leader's own where it is in office, else the newest in the log.
    fn now_ms(&self, state: &State) -> u64 {
        let office = self.office.borrow();
        office
            .as_ref()
            .map_or(state.stamp.time_ms, |office| office.clock.now().time_ms.max(state.stamp.time_ms))
    }
}

fn unexpected(answer: &Answer) -> Status {
    Status::internal(format!("the engine answered {answer:?}; this is a defect of Baton"))
}

type Answered<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Operator for OperatorService {
    type WatchRunStream = runs::Views;
    type BackupStream = members::Parts;

    async fn register_plan(
        &self,
        request: Request<api::RegisterPlanRequest>,
    ) -> Answered<api::RegisterPlanResponse> {
        self.register(request.into_inner()).await.map(Response::new)
    }

    async fn list_plans(&self, request: Request<api::ListPlansRequest>) -> Answered<api::ListPlansResponse> {
        self.plans(request.into_inner()).await.map(Response::new)
    }

    async fn get_plan(&self, request: Request<api::GetPlanRequest>) -> Answered<api::GetPlanResponse> {
        self.plan(request.into_inner()).await.map(Response::new)
    }

    async fn list_templates(
        &self,
        request: Request<api::ListTemplatesRequest>,
    ) -> Answered<api::ListTemplatesResponse> {
        self.templates(request.into_inner()).await.map(Response::new)
    }

    async fn get_template(
        &self,
        request: Request<api::GetTemplateRequest>,
    ) -> Answered<api::GetTemplateResponse> {
        self.template(request.into_inner()).await.map(Response::new)
    }

    async fn start_run(&self, request: Request<api::StartRunRequest>) -> Answered<api::StartRunResponse> {
        self.start(request.into_inner()).await.map(Response::new)
    }

    async fn list_runs(&self, request: Request<api::ListRunsRequest>) -> Answered<api::ListRunsResponse> {
        self.runs(request.into_inner()).await.map(Response::new)
    }

    async fn get_run(&self, request: Request<api::GetRunRequest>) -> Answered<api::RunView> {
        self.run(request.into_inner()).await.map(Response::new)
    }

    async fn watch_run(&self, request: Request<api::GetRunRequest>) -> Answered<Self::WatchRunStream> {
        self.watch(request.into_inner().run).await.map(Response::new)
    }

    async fn get_events(&self, request: Request<api::GetEventsRequest>) -> Answered<api::GetEventsResponse> {
        self.events(request.into_inner()).await.map(Response::new)
    }

    async fn decide(&self, request: Request<api::DecisionRequest>) -> Answered<api::DecisionResponse> {
        self.decided(request.into_inner()).await.map(Response::new)
    }

    async fn declare_lost(&self, request: Request<api::RegionRequest>) -> Answered<api::RegionResponse> {
        self.region_lost(request.into_inner()).await.map(Response::new)
    }

    async fn restore_region(&self, request: Request<api::RegionRequest>) -> Answered<api::RegionResponse> {
        self.region_restored(request.into_inner()).await.map(Response::new)
    }

    async fn list_regions(
        &self,
        request: Request<api::ListRegionsRequest>,
    ) -> Answered<api::ListRegionsResponse> {
        self.regions(request.into_inner()).await.map(Response::new)
    }

    async fn list_locks(&self, request: Request<api::ListLocksRequest>) -> Answered<api::ListLocksResponse> {
        self.locks(request.into_inner()).await.map(Response::new)
    }

    async fn list_resources(
        &self,
        request: Request<api::ListResourcesRequest>,
    ) -> Answered<api::ListResourcesResponse> {
        self.resources(request.into_inner()).await.map(Response::new)
    }

    async fn set_capacity(
        &self,
        request: Request<api::SetCapacityRequest>,
    ) -> Answered<api::SetCapacityResponse> {
        self.capacity_set(request.into_inner()).await.map(Response::new)
    }

    async fn add_member(&self, request: Request<api::AddMemberRequest>) -> Answered<api::MemberChanged> {
        self.added(request.into_inner()).await.map(Response::new)
    }

    async fn promote_member(&self, request: Request<api::MemberRequest>) -> Answered<api::MemberChanged> {
        self.promoted(request.into_inner().id).await.map(Response::new)
    }

    async fn remove_member(&self, request: Request<api::MemberRequest>) -> Answered<api::MemberChanged> {
        self.removed(request.into_inner().id).await.map(Response::new)
    }

    async fn transfer_leader(
        &self,
        request: Request<api::TransferLeaderRequest>,
    ) -> Answered<api::TransferLeaderResponse> {
        self.transferred(request.into_inner()).await.map(Response::new)
    }

    async fn prefer_leader(
        &self,
        request: Request<api::PreferLeaderRequest>,
    ) -> Answered<api::PreferLeaderResponse> {
        self.preferred(request.into_inner()).await.map(Response::new)
    }

    async fn backup(&self, _: Request<api::BackupRequest>) -> Answered<Self::BackupStream> {
        self.backed_up().await.map(Response::new)
    }

    async fn get_cluster_status(
        &self,
        _: Request<api::GetClusterStatusRequest>,
    ) -> Answered<api::ClusterStatus> {
        let mut status = self.cluster.status().await;
        status.agents = self.cluster.machine().read(view::agents);
        status.answered_by = self.config.id;
        Ok(Response::new(status))
    }
}
