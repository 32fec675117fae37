//! Runs.

use std::collections::BTreeMap;

use baton_api as api;

use crate::view::{EventList, RunList, RunView, Started};
use crate::{Client, Error, Origin, Watch, convert};

/// What a run is started with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Start {
    /// A registered plan's name.
    pub plan: String,
    /// Its version, refused unless it is the newest; the newest if none is named.
    pub version: Option<u32>,
    /// Values of the plan's parameters.
    pub params: BTreeMap<String, String>,
    /// `graceful` or `ungraceful`.
    pub mode: String,
    /// An exercise.
    pub drill: bool,
    /// Wait for locks that another run holds, instead of being refused.
    pub queue: bool,
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// At most so many; 0 leaves it to the cluster.
    pub limit: u32,
    /// Only those older than this run.
    pub after: Option<String>,
    /// Only runs of this plan.
    pub plan: Option<String>,
    /// Only runs of this status.
    pub status: Option<String>,
}

impl Client {
    /// Starts a run; the same request id starts it once.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the plan, [`Error::Usage`] for its parameters, [`Error::Refused`] for a version that
    /// is not the newest or a lock that is held; else as for every write.
    pub async fn start_run(&self, start: &Start, origin: &Origin) -> Result<Started, Error> {
        let request = api::StartRunRequest {
            request_id: origin.request_id.clone(),
            plan: start.plan.clone(),
            plan_version: start.version.unwrap_or(0),
            params: start.params.clone(),
            mode: start.mode.clone(),
            drill: start.drill,
            operator: origin.operator.clone(),
            roles: origin.roles.clone(),
            queue: start.queue,
        };
        let answer = self
            .ask(Some(&origin.request_id), |mut operator| {
                let request = request.clone();
                async move { operator.start_run(request).await }
            })
            .await?;
        Ok(Started { run: answer.run, revision: answer.revision })
    }

    /// Runs, the newest first.
    ///
    /// # Errors
    /// As for every read.
    pub async fn list_runs(&self, filter: &Filter, stale: bool) -> Result<RunList, Error> {
        let request = api::ListRunsRequest {
            limit: filter.limit,
            after: filter.after.clone().unwrap_or_default(),
            plan: filter.plan.clone().unwrap_or_default(),
            status: filter.status.clone().unwrap_or_default(),
            stale,
        };
        let answer = self
            .ask(None, |mut operator| {
                let request = request.clone();
                async move { operator.list_runs(request).await }
            })
            .await?;
        Ok(convert::run_list(answer))
    }

    /// One run as it is now.
    ///
    /// # Errors
    /// [`Error::NotFound`]; else as for every read.
    pub async fn get_run(&self, run: &str, stale: bool) -> Result<RunView, Error> {
        let request = api::GetRunRequest { run: run.to_owned(), stale };
        let answer = self
            .ask(None, |mut operator| {
                let request = request.clone();
                async move { operator.get_run(request).await }
            })
            .await?;
        convert::run(answer)
    }

    /// One run as it is now, and again at every change until it has ended.
    pub fn watch(&self, run: &str) -> Watch {
        Watch::new(self.clone(), run)
    }

    /// What happened in a run after the event with this sequence number.
    ///
    /// # Errors
    /// [`Error::NotFound`]; else as for every read.
    pub async fn get_events(
        &self,
        run: &str,
        after: u64,
        limit: u32,
        stale: bool,
    ) -> Result<EventList, Error> {
        let request = api::GetEventsRequest { run: run.to_owned(), after, limit, stale };
        let answer = self
            .ask(None, |mut operator| {
                let request = request.clone();
                async move { operator.get_events(request).await }
            })
            .await?;
        Ok(convert::event_list(answer))
    }
}
