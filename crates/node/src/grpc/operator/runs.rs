//! Starting runs, and looking at them.

use std::cmp::Reverse;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use baton_api as api;
use baton_engine::command::Request as By;
use baton_engine::run::{Run, Status as RunStatus};
use baton_engine::standing::Summary;
use baton_engine::{Answer, Command, State};
use tokio::time::sleep;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{OperatorService, unexpected};
use crate::apart::apart;
use crate::grpc::{convert, view};
use crate::leader::office::{self, Office};
use crate::raft::archive::Row;
use crate::raft::{Cluster, Machine, Watch, Watched};

/// Runs in a page of a list, and events in a page of a timeline, where the caller names no number.
const RUNS_A_PAGE: usize = 50;
const EVENTS_A_PAGE: usize = 1000;

/// Between two tellings of a run, by its steps.
const PAUSE_A_STEP: Duration = Duration::from_micros(20);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How often a leader that has nothing to tell asks itself whether it still leads.
const LOOK_BACK: Duration = Duration::from_millis(500);

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
        let revision = self.read(request.stale, |_, revision| revision).await?;
        let cluster = self.cluster.clone();
        apart(move || list(cluster.machine(), &request, revision))
            .await
            .map_err(unreadable)?
            .map_err(unreadable)
    }

    pub(super) async fn run(&self, request: api::GetRunRequest) -> Result<api::RunView, Status> {
        self.read_run(&request.run, request.stale, |state, run, revision| {
            view::run(state, run, 0, self.now_ms(state), revision)
        })
        .await
    }

    pub(super) async fn watch(&self, id: String) -> Result<Views, Status> {
        self.linearize().await?;
        let office = self.in_office()?;
        found(&id, self.cluster.machine().read_run(&id, |_, _| ()))?;
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
        self.read_run(&run, stale, |_, run, revision| {
            let first = (after as usize).min(run.timeline.len());
            let later = &run.timeline[first..];
            let events = later.iter().take(limit).map(|record| view::event(run, record)).collect();
            api::GetEventsResponse { events, more: later.len() > limit, revision }
        })
        .await
    }

    /// Reads a run, as [`OperatorService::read`] does the state.
    async fn read_run<T>(
        &self,
        id: &str,
        stale: bool,
        view: impl FnOnce(&State, &Run, u64) -> T,
    ) -> Result<T, Status> {
        let revision = self.read(stale, |_, revision| revision).await?;
        let seen = self.cluster.machine().read_run(id, |state, run| view(state, run, revision));
        found(id, seen)
    }
}

/// Tells a run when it has changed, until it has ended, the office is over, or nobody listens. A leader without a quorum
/// may have been succeeded by one whose news it never hears.
async fn tell(
    cluster: Cluster,
    office: Arc<Office>,
    id: String,
    views: tokio::sync::mpsc::Sender<Result<api::RunView, Status>>,
) {
    let applied = cluster.machine().applied();
    let mut watch = cluster.machine().watch(Watched::Run(id.clone()));
    let mut over = office.over();
    let mut since = 0;
    loop {
        let revision = *applied.borrow();
        let news = cluster.machine().read_run(&id, |state, run| {
            let now_ms = office.clock.now().time_ms.max(state.stamp.time_ms);
            let is_new = run.changed > since || since == 0;
            is_new.then(|| (run.status.has_ended(), view::run(state, run, since, now_ms, revision)))
        });
        let news = match news {
            Ok(news) => news.flatten().map(|(ended, news)| (ended, Ok(news))),
            Err(error) => Some((true, Err(unreadable(error)))),
        };
        if let Some((ended, news)) = news {
            since = revision;
            let steps = news.as_ref().map_or(0, |view| view.summary.as_ref().map_or(0, |line| line.steps));
            if views.send(news).await.is_err() || ended {
                return;
            }
            pause_after(steps, cluster.machine(), &id, &mut watch).await;
            continue;
        }
        tokio::select! {
            () = watch.changed() => {}
            () = office::came_true(&mut over) => return,
            () = views.closed() => return,
            () = sleep(LOOK_BACK) => if !office.is_followed() {
                // Whoever has hung up meanwhile needs no reason.
                let _ = views.send(Err(Status::unavailable("it is without a quorum"))).await;
                return;
            },
        }
    }
}

/// To tell a run takes a look at all of its steps, and to merge it another: a run that changes all the time is told so
/// often that people see it move, or its watchers would be most of what its leader does. The end is told at once.
async fn pause_after(steps: u32, machine: &Machine, id: &str, watch: &mut Watch) {
    let mut over = pin!(sleep((PAUSE_A_STEP * steps).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)));
    let has_ended = |state: &State| state.runs.get(id).is_none_or(|run| run.status.has_ended());
    loop {
        tokio::select! {
            () = over.as_mut() => return,
            () = watch.changed() => if machine.read(has_ended) { return },
        }
    }
}

/// Runs of the state and of the archive, the newest first.
fn list(
    machine: &Machine,
    request: &api::ListRunsRequest,
    revision: u64,
) -> io::Result<api::ListRunsResponse> {
    let limit = if request.limit == 0 { RUNS_A_PAGE } else { request.limit as usize };
    let of_plan = |plan: &str| request.plan.is_empty() || plan == request.plan;
    let in_status = |status: RunStatus| request.status.is_empty() || status.word() == request.status;
    let archive = machine.archive();
    let mut lines: Vec<(u64, Line)> = machine.read(|state| {
        let after = state.runs.get(&request.after).map(|run| run.number);
        let before =
            after.or_else(|| archive.find(&request.after).map(|(number, _)| number)).unwrap_or(u64::MAX);
        let here = state.by_start.range(..before).rev().map(|(number, id)| (*number, &state.runs[id]));
        let here = here.filter(|(_, run)| of_plan(&run.plan) && in_status(run.status));
        let here = here.map(|(number, run)| (number, Line::Here(run.summary(&state.plans))));
        let wanted = |number, row: &Row| {
            of_plan(&row.plan) && in_status(row.status) && !state.by_start.contains_key(&number)
        };
        let rows = archive.newest_first(before, limit + 1, wanted).into_iter();
        here.take(limit + 1).chain(rows.map(|(number, row)| (number, Line::Archived(row.count)))).collect()
    });
    lines.sort_unstable_by_key(|(number, _)| Reverse(*number));
    let more = lines.len() > limit;
    let summaries = lines.into_iter().take(limit).map(|(_, line)| match line {
        Line::Here(summary) => Ok(view::summary(summary)),
        Line::Archived(count) => Ok(view::summary(archive.summary(count)?)),
    });
    Ok(api::ListRunsResponse { runs: summaries.collect::<io::Result<_>>()?, more, revision })
}

/// Where a run's line in a list comes from.
enum Line {
    Here(Summary),
    Archived(u64),
}

fn found<T>(id: &str, seen: io::Result<Option<T>>) -> Result<T, Status> {
    seen.map_err(unreadable)?.ok_or_else(|| convert::rejected(State::no_run(id)))
}

fn unreadable(error: impl std::fmt::Display) -> Status {
    Status::data_loss(error.to_string())
}
