//! The cluster itself, which must answer also when nobody leads it.

use baton_api as api;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, sleep, timeout_at};

use super::{PAUSE_MS, Tried};
use crate::view::ClusterStatus;
use crate::{Client, Error, convert};

/// How a coordinator speaks: the one that leads knows most, then the one of the highest term.
fn weight(status: &api::ClusterStatus) -> (bool, u64) {
    (status.leader == Some(status.answered_by), status.term)
}

impl Client {
    /// The cluster as its leader sees it, or, while there is none, as one coordinator does.
    ///
    /// # Errors
    /// [`Error::NoQuorum`] when not one coordinator answers.
    pub async fn cluster_status(&self) -> Result<ClusterStatus, Error> {
        let deadline = Instant::now() + self.deadline;
        let mut failure = self.no_quorum(None);
        loop {
            match timeout_at(deadline, self.ask_all()).await {
                Ok(Ok(status)) => return Ok(convert::cluster_status(status)),
                Ok(Err(text)) => failure.last = Some(text),
                Err(_) => {
                    failure.waited = self.deadline;
                    return Err(Error::NoQuorum(failure));
                }
            }
            let pause = std::time::Duration::from_millis(fastrand::u64(PAUSE_MS));
            let _ = timeout_at(deadline, sleep(pause)).await;
        }
    }

    /// Asks everyone at once and takes the leader's answer, or the best when all have spoken.
    async fn ask_all(&self) -> Result<api::ClusterStatus, String> {
        let mut answers: FuturesUnordered<_> =
            self.servers.iter().map(|address| self.ask_status(address)).collect();
        let mut best: Option<api::ClusterStatus> = None;
        let mut last = String::new();
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(status) if weight(&status).0 => return Ok(status),
                Ok(status) if best.as_ref().is_none_or(|best| weight(best) < weight(&status)) => {
                    best = Some(status);
                }
                Ok(_) => {}
                Err(text) => last = text,
            }
        }
        best.ok_or(last)
    }

    async fn ask_status(&self, address: &str) -> Result<api::ClusterStatus, String> {
        let call = |mut operator: api::operator_client::OperatorClient<_>| async move {
            operator.get_cluster_status(api::GetClusterStatusRequest {}).await
        };
        match self.try_one(address, self.attempt, &call).await {
            Tried::Answered(status) => Ok(status),
            Tried::NotSent(text) => Err(text),
            Tried::Failed(status) => {
                self.channels.forget(address);
                Err(format!("{address}: {}", status.message()))
            }
            Tried::Silent { .. } => {
                self.channels.forget(address);
                Err(format!("{address}: no answer"))
            }
        }
    }
}
