//! What people and programs ask of the cluster. Reads are linearizable unless they ask for less.

use std::pin::Pin;
use std::sync::Arc;

use baton_api as api;
use baton_api::operator_server::Operator;
use baton_engine::command::{Mode, Request as By, Resolution};
use baton_engine::{Answer, Command, State};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::config::Config;
use crate::grpc::{convert, view};
use crate::leader::office::{self, CurrentOffice};
use crate::raft::{Cluster, ReadError};

/// Runs in a page of a list, and events in a page of a timeline, where the caller names no number.
const RUNS_A_PAGE: usize = 50;
const EVENTS_A_PAGE: usize = 1000;

/// The `Operator` service of one coordinator.
pub(crate) struct OperatorService {
    pub(crate) config: Arc<Config>,
    pub(crate) cluster: Cluster,
    pub(crate) office: CurrentOffice,
}

impl OperatorService {
    async fn propose(&self, command: Command) -> Result<(u64, Answer), Status> {
        let Some(office) = self.office.borrow().clone() else {
            return Err(convert::not_leader(&self.cluster));
        };
        let done = office.proposer.propose(command).await;
        done.map(|done| (done.index, done.answer)).map_err(|error| convert::status(error, &self.cluster))
    }

    /// Reads the state as one copy would (P4), or as this coordinator knows it where that is enough.
    async fn read<T>(&self, stale: bool, view: impl FnOnce(&State, u64) -> T) -> Result<T, Status> {
        let machine = self.cluster.machine();
        if !stale {
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

    async fn decide(
        &self,
        request: Request<api::DecisionRequest>,
        command: impl FnOnce(By, String, String) -> Command,
    ) -> Result<Response<api::DecisionResponse>, Status> {
        let api::DecisionRequest { request_id, run, reason, operator } = request.into_inner();
        let by = By { id: request_id, operator };
        self.decided(command(by, run.clone(), reason), run).await
    }

    async fn decided(
        &self,
        command: Command,
        run: String,
    ) -> Result<Response<api::DecisionResponse>, Status> {
        let (revision, _) = self.propose(command).await?;
        let status = self
            .cluster
            .machine()
            .read(|state| state.runs.get(&run).map(|run| run.status.word().to_owned()).unwrap_or_default());
        Ok(Response::new(api::DecisionResponse { status, revision }))
    }
}

#[tonic::async_trait]
impl Operator for OperatorService {
    async fn register_plan(
        &self,
        request: Request<api::RegisterPlanRequest>,
    ) -> Result<Response<api::RegisterPlanResponse>, Status> {
        let api::RegisterPlanRequest { request_id, source, operator } = request.into_inner();
        let text = source.clone();
        let checked = tokio::task::spawn_blocking(move || baton_plan::check(&text)).await;
        let checked = checked.map_err(|_| Status::internal("the check was cut off"))?;
        let checked = checked.map_err(|problems| {
            Status::invalid_argument(baton_plan::problem::render(&source, "plan", &problems))
        })?;
        let request = By { id: request_id, operator };
        let (revision, answer) =
            self.propose(Command::RegisterPlan { request, plan: checked.plan, source }).await?;
        match answer {
            Answer::Registered { name, version, unchanged } => {
                Ok(Response::new(api::RegisterPlanResponse { name, version, unchanged, revision }))
            }
            other => Err(unexpected(&other)),
        }
    }

    async fn list_plans(
        &self,
        request: Request<api::ListPlansRequest>,
    ) -> Result<Response<api::ListPlansResponse>, Status> {
        let list = |state: &State, revision| {
            let newest =
                state.plans.values().filter_map(|history| Some(view::plan(history, history.version(None)?)));
            api::ListPlansResponse { plans: newest.collect(), revision }
        };
        self.read(request.into_inner().stale, list).await.map(Response::new)
    }

    async fn get_plan(
        &self,
        request: Request<api::GetPlanRequest>,
    ) -> Result<Response<api::GetPlanResponse>, Status> {
        let api::GetPlanRequest { name, version, stale } = request.into_inner();
        let get = |state: &State, revision| {
            let missing =
                || Status::not_found(format!("there is no plan `{name}`; `baton plan list` shows them"));
            let history = state.plans.get(&name).ok_or_else(missing)?;
            let found = history.version((version != 0).then_some(version)).ok_or_else(|| {
                let newest = history.versions.len();
                Status::not_found(format!("plan `{name}` has no version {version}; the newest is {newest}"))
            })?;
            Ok(api::GetPlanResponse {
                plan: Some(view::plan(history, found)),
                source: found.source.clone(),
                revision,
            })
        };
        self.read(stale, get).await?.map(Response::new)
    }

    async fn start_run(
        &self,
        request: Request<api::StartRunRequest>,
    ) -> Result<Response<api::StartRunResponse>, Status> {
        let request = request.into_inner();
        let mode = match request.mode.as_str() {
            "" | "ungraceful" => Mode::Ungraceful,
            "graceful" => Mode::Graceful,
            other => {
                return Err(Status::invalid_argument(format!(
                    "mode `{other}` is neither `graceful` nor `ungraceful`"
                )));
            }
        };
        let command = Command::StartRun {
            request: By { id: request.request_id, operator: request.operator },
            plan: request.plan,
            version: (request.plan_version != 0).then_some(request.plan_version),
            params: request.params,
            mode,
            drill: request.drill,
        };
        match self.propose(command).await? {
            (revision, Answer::Started { run }) => Ok(Response::new(api::StartRunResponse { run, revision })),
            (_, other) => Err(unexpected(&other)),
        }
    }

    async fn list_runs(
        &self,
        request: Request<api::ListRunsRequest>,
    ) -> Result<Response<api::ListRunsResponse>, Status> {
        let request = request.into_inner();
        let list = |state: &State, revision| list_runs(state, &request, revision);
        self.read(request.stale, list).await.map(Response::new)
    }

    async fn get_run(&self, request: Request<api::GetRunRequest>) -> Result<Response<api::RunView>, Status> {
        let api::GetRunRequest { run, stale } = request.into_inner();
        let get = |state: &State, revision| {
            let found = state.run(&run).map_err(convert::rejected)?;
            Ok(view::run(state, found, 0, self.now_ms(state), revision))
        };
        self.read(stale, get).await?.map(Response::new)
    }

    type WatchRunStream = Pin<Box<dyn Stream<Item = Result<api::RunView, Status>> + Send>>;

    async fn watch_run(
        &self,
        request: Request<api::GetRunRequest>,
    ) -> Result<Response<Self::WatchRunStream>, Status> {
        let id = request.into_inner().run;
        self.linearize().await?;
        let Some(office) = self.office.borrow().clone() else {
            return Err(convert::not_leader(&self.cluster));
        };
        self.cluster.machine().read(|state| state.run(&id).map(|_| ())).map_err(convert::rejected)?;
        let (views, stream) = tokio::sync::mpsc::channel(16);
        let cluster = self.cluster.clone();
        tokio::spawn(async move {
            let mut applied = cluster.machine().applied();
            let mut over = office.over();
            let mut since = 0;
            loop {
                let revision = *applied.borrow_and_update();
                let news = cluster.machine().read(|state| {
                    let run = state.run(&id).ok().filter(|run| run.changed > since || since == 0)?;
                    let now_ms = office.clock.now().time_ms.max(state.stamp.time_ms);
                    Some((run.status.has_ended(), view::run(state, run, since, now_ms, revision)))
                });
                if let Some((ended, news)) = news {
                    since = revision;
                    if views.send(Ok(news)).await.is_err() || ended {
                        return;
                    }
                }
                tokio::select! {
                    changed = applied.changed() => if changed.is_err() { return },
                    () = office::came_true(&mut over) => return,
                    () = views.closed() => return,
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn get_events(
        &self,
        request: Request<api::GetEventsRequest>,
    ) -> Result<Response<api::GetEventsResponse>, Status> {
        let api::GetEventsRequest { run, after, limit, stale } = request.into_inner();
        let limit = if limit == 0 { EVENTS_A_PAGE } else { limit as usize };
        let get = |state: &State, revision| {
            let found = state.run(&run).map_err(convert::rejected)?;
            let first = (after as usize).min(found.timeline.len());
            let later = &found.timeline[first..];
            let events = later.iter().take(limit).map(|record| view::event(found, record)).collect();
            Ok(api::GetEventsResponse { events, more: later.len() > limit, revision })
        };
        self.read(stale, get).await?.map(Response::new)
    }

    async fn pause_run(
        &self,
        request: Request<api::DecisionRequest>,
    ) -> Result<Response<api::DecisionResponse>, Status> {
        self.decide(request, |request, run, reason| Command::PauseRun { request, run, reason }).await
    }

    async fn resume_run(
        &self,
        request: Request<api::DecisionRequest>,
    ) -> Result<Response<api::DecisionResponse>, Status> {
        self.decide(request, |request, run, reason| Command::ResumeRun { request, run, reason }).await
    }

    async fn cancel_run(
        &self,
        request: Request<api::DecisionRequest>,
    ) -> Result<Response<api::DecisionResponse>, Status> {
        self.decide(request, |request, run, reason| Command::CancelRun { request, run, reason }).await
    }

    async fn resolve_step(
        &self,
        request: Request<api::ResolveStepRequest>,
    ) -> Result<Response<api::DecisionResponse>, Status> {
        let api::ResolveStepRequest { request_id, run, step, r#as, reason, operator } = request.into_inner();
        let resolution = match r#as.as_str() {
            "succeeded" => Resolution::Succeeded,
            "failed" => Resolution::Failed,
            "retry" => Resolution::Retry,
            other => {
                return Err(Status::invalid_argument(format!(
                    "`{other}` is none of `succeeded`, `failed` and `retry`"
                )));
            }
        };
        let request = By { id: request_id, operator };
        let command = Command::ResolveStep { request, run: run.clone(), step, resolution, reason };
        self.decided(command, run).await
    }

    async fn get_cluster_status(
        &self,
        _: Request<api::GetClusterStatusRequest>,
    ) -> Result<Response<api::ClusterStatus>, Status> {
        let mut status = self.cluster.status().await;
        status.agents = self.cluster.machine().read(view::agents);
        status.answered_by = self.config.id;
        Ok(Response::new(status))
    }
}

fn list_runs(state: &State, request: &api::ListRunsRequest, revision: u64) -> api::ListRunsResponse {
    let limit = if request.limit == 0 { RUNS_A_PAGE } else { request.limit as usize };
    let before = state.runs.get(&request.after).map_or(u64::MAX, |run| run.number);
    let wanted = |run: &&std::sync::Arc<baton_engine::run::Run>| {
        (request.plan.is_empty() || run.plan == request.plan)
            && (request.status.is_empty() || run.status.word() == request.status)
    };
    let newest_first = state.by_start.range(..before).rev().filter_map(|(_, id)| state.runs.get(id));
    let mut found: Vec<_> = newest_first.filter(wanted).take(limit + 1).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let runs = found.into_iter().map(|run| view::summary(run, &state.version_of(run))).collect();
    api::ListRunsResponse { runs, more, revision }
}

fn unexpected(answer: &Answer) -> Status {
    Status::internal(format!("the engine answered {answer:?}; this is a defect of Baton"))
}
