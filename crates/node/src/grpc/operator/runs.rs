//! Starting runs, and looking at them.

use std::pin::Pin;
use std::sync::Arc;

use baton_api as api;
use baton_engine::command::Request as By;
use baton_engine::run::Run;
use baton_engine::{Answer, Command, State};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{OperatorService, unexpected};
use crate::grpc::{convert, view};
use crate::leader::office::{self, Office};
use crate::raft::Cluster;

/// Runs in a page of a list, and events in a page of a timeline, where the caller names no number.
const RUNS_A_PAGE: usize = 50;
const EVENTS_A_PAGE: usize = 1000;

/// A run as it goes on.
pub(super) type Views = Pin<Box<dyn Stream<Item = Result<api::RunView, Status>> + Send>>;

impl OperatorService {
    pub(super) async fn start(&self, request: api::StartRunRequest) -> Result<api::StartRunResponse, Status> {
        let command = Command::StartRun {
            mode: convert::mode(&request.mode).map_err(Status::invalid_argument)?,
            request: By { id: request.request_id, operator: request.operator, roles: request.roles },
            plan: request.plan,
            version: (request.plan_version != 0).then_some(request.plan_version),
            params: request.params,
            drill: request.drill,
            queue: request.queue,
        };
        match self.propose(command).await? {
            (revision, Answer::Started { run }) => Ok(api::StartRunResponse { run, revision }),
            (_, other) => Err(unexpected(&other)),
        }
    }

    pub(super) async fn runs(&self, request: api::ListRunsRequest) -> Result<api::ListRunsResponse, Status> {
        let list = |state: &State, revision| list(state, &request, revision);
        self.read(request.stale, list).await
    }

    pub(super) async fn run(&self, request: api::GetRunRequest) -> Result<api::RunView, Status> {
        let get = |state: &State, revision| {
            let found = state.run(&request.run).map_err(convert::rejected)?;
            Ok(view::run(state, found, 0, self.now_ms(state), revision))
        };
        self.read(request.stale, get).await?
    }

    pub(super) async fn watch(&self, id: String) -> Result<Views, Status> {
        self.linearize().await?;
        let office = self.in_office()?;
        self.cluster.machine().read(|state| state.run(&id).map(|_| ())).map_err(convert::rejected)?;
        let (views, stream) = tokio::sync::mpsc::channel(16);
        tokio::spawn(tell(self.cluster.clone(), office, id, views));
        Ok(Box::pin(ReceiverStream::new(stream)))
    }

    pub(super) async fn events(
        &self,
        request: api::GetEventsRequest,
    ) -> Result<api::GetEventsResponse, Status> {
        let api::GetEventsRequest { run, after, limit, stale } = request;
        let limit = if limit == 0 { EVENTS_A_PAGE } else { limit as usize };
        let get = |state: &State, revision| {
            let found = state.run(&run).map_err(convert::rejected)?;
            let first = (after as usize).min(found.timeline.len());
            let later = &found.timeline[first..];
            let events = later.iter().take(limit).map(|record| view::event(found, record)).collect();
            Ok(api::GetEventsResponse { events, more: later.len() > limit, revision })
        };
        self.read(stale, get).await?
    }
}

/// Tells a run at every change, until it has ended, the office is over, or nobody listens.
async fn tell(
    cluster: Cluster,
    office: Arc<Office>,
    id: String,
    views: tokio::sync::mpsc::Sender<Result<api::RunView, Status>>,
) {
    let applied = cluster.machine().applied();
    let mut watch = cluster.machine().watch(&id);
    let mut over = office.over();
    let mut since = 0;
    loop {
        let revision = *applied.borrow();
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
            () = watch.changed() => {}
            () = office::came_true(&mut over) => return,
            () = views.closed() => return,
        }
    }
}

fn list(state: &State, request: &api::ListRunsRequest, revision: u64) -> api::ListRunsResponse {
    let limit = if request.limit == 0 { RUNS_A_PAGE } else { request.limit as usize };
    let before = state.runs.get(&request.after).map_or(u64::MAX, |run| run.number);
    let wanted = |run: &&Arc<Run>| {
        (request.plan.is_empty() || run.plan == request.plan)
            && (request.status.is_empty() || run.status.word() == request.status)
    };
    let newest_first = state.by_start.range(..before).rev().filter_map(|(_, id)| state.runs.get(id));
    let mut found: Vec<_> = newest_first.filter(wanted).take(limit + 1).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let runs = found.into_iter().map(|run| view::summary(state, run)).collect();
    api::ListRunsResponse { runs, more, revision }
}
