//! What only a person decides.

use baton_api as api;

use crate::view::Decided;
use crate::{Client, Error, Origin};

/// A decision about a whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing new starts until it is resumed.
    Pause,
    /// It goes on.
    Resume,
    /// It ends as soon as what is under way has ended.
    Cancel,
}

impl Client {
    /// Decides about a run.
    ///
    /// # Errors
    /// [`Error::Refused`] when the run's state does not allow it; else as for every write.
    pub async fn decide(
        &self,
        decision: Decision,
        run: &str,
        reason: &str,
        origin: &Origin,
    ) -> Result<Decided, Error> {
        let request = api::DecisionRequest {
            request_id: origin.request_id.clone(),
            run: run.to_owned(),
            reason: reason.to_owned(),
            operator: origin.operator.clone(),
        };
        let answer = self
            .ask(Some(&origin.request_id), |mut operator| {
                let request = request.clone();
                async move {
                    match decision {
                        Decision::Pause => operator.pause_run(request).await,
                        Decision::Resume => operator.resume_run(request).await,
                        Decision::Cancel => operator.cancel_run(request).await,
                    }
                }
            })
            .await?;
        Ok(Decided { run: run.to_owned(), status: answer.status, revision: answer.revision })
    }

    /// Says what became of a step in doubt: `succeeded`, `failed`, or `retry` if it is known
    /// not to have happened.
    ///
    /// # Errors
    /// [`Error::Refused`] when the step is not in doubt; else as for every write.
    pub async fn resolve_step(
        &self,
        run: &str,
        step: &str,
        verdict: &str,
        reason: &str,
        origin: &Origin,
    ) -> Result<Decided, Error> {
        let request = api::ResolveStepRequest {
            request_id: origin.request_id.clone(),
            run: run.to_owned(),
            step: step.to_owned(),
            r#as: verdict.to_owned(),
            reason: reason.to_owned(),
            operator: origin.operator.clone(),
        };
        let answer = self
            .ask(Some(&origin.request_id), |mut operator| {
                let request = request.clone();
                async move { operator.resolve_step(request).await }
            })
            .await?;
        Ok(Decided { run: run.to_owned(), status: answer.status, revision: answer.revision })
    }
}
