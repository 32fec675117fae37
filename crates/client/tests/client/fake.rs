//! A coordinator that follows a script, on a real port.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use baton_api::operator_server::{Operator, OperatorServer};
use baton_api::*;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// What it does with the next request to start, watch or decide about a run.
pub(crate) enum Act {
    Start(&'static str),
    Stream(Vec<RunView>),
    Decide(Box<DecisionResponse>),
    Fail(Status),
    /// Takes the request and never answers.
    Hang,
}

#[derive(Default)]
pub(crate) struct Script {
    acts: Mutex<VecDeque<Act>>,
    pub(crate) started: Mutex<Vec<StartRunRequest>>,
    pub(crate) decided: Mutex<Vec<DecisionRequest>>,
    pub(crate) regions: Mutex<Vec<RegionRequest>>,
    pub(crate) capacities: Mutex<Vec<SetCapacityRequest>>,
    pub(crate) status: Mutex<ClusterStatus>,
}

impl Script {
    pub(crate) fn add(&self, act: Act) {
        self.acts.lock().unwrap().push_back(act);
    }

    /// Everything in the script was asked for.
    pub(crate) fn is_done(&self) -> bool {
        self.acts.lock().unwrap().is_empty()
    }

    async fn next(&self) -> Result<Act, Status> {
        let act = self.acts.lock().unwrap().pop_front();
        match act {
            Some(Act::Fail(status)) => Err(status),
            Some(Act::Hang) => std::future::pending().await,
            Some(act) => Ok(act),
            None => Err(Status::internal("the script has ended")),
        }
    }
}

/// Starts one; it ends with the test's runtime.
pub(crate) async fn coordinator() -> (String, Arc<Script>) {
    let script = Arc::new(Script::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let operator = OperatorServer::new(Fake(script.clone()));
    let serve = tonic::transport::Server::builder()
        .add_service(operator)
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(serve);
    (address, script)
}

/// An answer that sends the caller to the leader.
pub(crate) fn ask(leader: Option<&str>) -> Act {
    let mut status = Status::failed_precondition("this coordinator does not lead");
    if let Some(leader) = leader {
        status.metadata_mut().insert(LEADER_METADATA, leader.parse().unwrap());
    }
    Act::Fail(status)
}

struct Fake(Arc<Script>);

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl Operator for Fake {
    type WatchRunStream = Pin<Box<dyn tokio_stream::Stream<Item = Result<RunView, Status>> + Send>>;

    async fn start_run(&self, request: Request<StartRunRequest>) -> Answer<StartRunResponse> {
        self.0.started.lock().unwrap().push(request.into_inner());
        match self.0.next().await? {
            Act::Start(run) => Ok(Response::new(StartRunResponse { run: run.into(), revision: 7 })),
            _ => Err(Status::internal("the script has another request next")),
        }
    }

    async fn watch_run(&self, _: Request<GetRunRequest>) -> Answer<Self::WatchRunStream> {
        match self.0.next().await? {
            Act::Stream(views) => {
                let views = tokio_stream::iter(views.into_iter().map(Ok));
                Ok(Response::new(Box::pin(views)))
            }
            _ => Err(Status::internal("the script has another request next")),
        }
    }

    async fn get_cluster_status(&self, _: Request<GetClusterStatusRequest>) -> Answer<ClusterStatus> {
        Ok(Response::new(self.0.status.lock().unwrap().clone()))
    }

    async fn register_plan(&self, _: Request<RegisterPlanRequest>) -> Answer<RegisterPlanResponse> {
        Err(Status::invalid_argument("line 1: wrong"))
    }

    async fn list_plans(&self, _: Request<ListPlansRequest>) -> Answer<ListPlansResponse> {
        Err(Status::unimplemented("list_plans"))
    }

    async fn get_plan(&self, _: Request<GetPlanRequest>) -> Answer<GetPlanResponse> {
        Err(Status::not_found("there is no plan `shop`"))
    }

    async fn get_run(&self, _: Request<GetRunRequest>) -> Answer<RunView> {
        Err(Status::unimplemented("get_run"))
    }

    async fn list_runs(&self, _: Request<ListRunsRequest>) -> Answer<ListRunsResponse> {
        Err(Status::unimplemented("list_runs"))
    }

    async fn get_events(&self, _: Request<GetEventsRequest>) -> Answer<GetEventsResponse> {
        Err(Status::unimplemented("get_events"))
    }

    async fn list_templates(&self, _: Request<ListTemplatesRequest>) -> Answer<ListTemplatesResponse> {
        Err(Status::unimplemented("list_templates"))
    }

    async fn get_template(&self, _: Request<GetTemplateRequest>) -> Answer<GetTemplateResponse> {
        Err(Status::unimplemented("get_template"))
    }

    async fn decide(&self, request: Request<DecisionRequest>) -> Answer<DecisionResponse> {
        self.0.decided.lock().unwrap().push(request.into_inner());
        match self.0.next().await? {
            Act::Decide(answer) => Ok(Response::new(*answer)),
            _ => Err(Status::internal("the script has another request next")),
        }
    }

    async fn declare_lost(&self, request: Request<RegionRequest>) -> Answer<RegionResponse> {
        self.0.regions.lock().unwrap().push(request.into_inner());
        Ok(Response::new(RegionResponse { revision: 8 }))
    }

    async fn restore_region(&self, _: Request<RegionRequest>) -> Answer<RegionResponse> {
        Err(Status::aborted("region `east` was not declared lost"))
    }

    async fn list_regions(&self, _: Request<ListRegionsRequest>) -> Answer<ListRegionsResponse> {
        let lost =
            RegionView { name: "east".into(), lost: true, lost_by: "ada".into(), ..Default::default() };
        let sound = RegionView { name: "west".into(), agents_live: 2, ..Default::default() };
        Ok(Response::new(ListRegionsResponse { regions: vec![lost, sound], revision: 8 }))
    }

    async fn list_locks(&self, _: Request<ListLocksRequest>) -> Answer<ListLocksResponse> {
        let lock = LockView { name: "shop".into(), run: "p-1".into(), held_ms: 5, ..Default::default() };
        Ok(Response::new(ListLocksResponse { locks: vec![lock], revision: 8 }))
    }

    async fn list_resources(&self, _: Request<ListResourcesRequest>) -> Answer<ListResourcesResponse> {
        Err(Status::unimplemented("list_resources"))
    }

    async fn set_capacity(&self, request: Request<SetCapacityRequest>) -> Answer<SetCapacityResponse> {
        self.0.capacities.lock().unwrap().push(request.into_inner());
        Ok(Response::new(SetCapacityResponse { revision: 8 }))
    }

    async fn prefer_leader(&self, _: Request<PreferLeaderRequest>) -> Answer<PreferLeaderResponse> {
        Ok(Response::new(PreferLeaderResponse { revision: 9 }))
    }

    type BackupStream = Pin<Box<dyn tokio_stream::Stream<Item = Result<BackupPart, Status>> + Send>>;

    async fn backup(&self, _: Request<BackupRequest>) -> Answer<Self::BackupStream> {
        let part = |bytes: &[u8]| Ok(BackupPart { bytes: bytes.to_vec() });
        Ok(Response::new(Box::pin(tokio_stream::iter([part(b"one"), part(b"two")]))))
    }

    async fn add_member(&self, _: Request<AddMemberRequest>) -> Answer<MemberChanged> {
        Err(Status::unimplemented("add_member"))
    }

    async fn promote_member(&self, _: Request<MemberRequest>) -> Answer<MemberChanged> {
        Err(Status::aborted("member 4 is too far behind"))
    }

    async fn remove_member(&self, _: Request<MemberRequest>) -> Answer<MemberChanged> {
        Err(Status::unimplemented("remove_member"))
    }

    async fn transfer_leader(
        &self,
        request: Request<TransferLeaderRequest>,
    ) -> Answer<TransferLeaderResponse> {
        let TransferLeaderRequest { from, to } = request.into_inner();
        Ok(Response::new(TransferLeaderResponse { leader: to.unwrap_or(from + 1) }))
    }
}
