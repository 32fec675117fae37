//! What only a person decides about a run.

use baton_api as api;

use crate::view::Decided;
use crate::{Client, Error, Origin, convert};

/// What is decided about a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing new starts until it is resumed.
    Pause,
    /// It goes on.
    Resume,
    /// It ends as soon as what is under way has ended.
    Cancel {
        /// And what was done is taken back.
        undo: bool,
    },
    /// What was done is taken back, in reverse order.
    Undo,
    /// The old side counts as gone from here on: for the whole run, or for one of its steps.
    Escalate {
        /// The step's name.
        step: Option<String>,
    },
    /// One of its steps.
    Step {
        /// The step's name.
        step: String,
        /// What is decided.
        choice: Choice,
    },
}

/// What is decided about one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Yes to an approval.
    Approve,
    /// No to an approval, to manual work, or to overriding a gate.
    Decline,
    /// Manual work is done; the reason says what shows it.
    Finish,
    /// A gate that does not hold lets pass all the same.
    Override,
    /// The run goes on without it, or without its undo.
    Skip,
    /// It, or its undo, is attempted again.
    Retry,
    /// What became of a step that is in doubt.
    Resolve(Resolution),
}

/// What became of a step that is in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// It happened.
    Succeeded,
    /// It did not, and shall not be tried again.
    Failed,
    /// It did not, and shall be attempted again.
    Retry,
}

impl Decision {
    /// The wire's word.
    fn word(&self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel { undo: false } => "cancel",
            Self::Cancel { undo: true } => "cancel_undo",
            Self::Undo => "undo",
            Self::Escalate { .. } => "escalate",
            Self::Step { choice, .. } => choice.word(),
        }
    }

    fn step(&self) -> Option<&str> {
        match self {
            Self::Escalate { step } => step.as_deref(),
            Self::Step { step, .. } => Some(step),
            _ => None,
        }
    }
}

impl Choice {
    fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Decline => "decline",
            Self::Finish => "finish",
            Self::Override => "override",
            Self::Skip => "skip",
            Self::Retry => "retry",
            Self::Resolve(Resolution::Succeeded) => "resolve_succeeded",
            Self::Resolve(Resolution::Failed) => "resolve_failed",
            Self::Resolve(Resolution::Retry) => "resolve_retry",
        }
    }
}

impl Client {
    /// Decides about a run or one of its steps. The reason stands in the record.
    ///
    /// # Errors
    /// [`Error::Refused`] when the run's state, or the asker's roles, do not allow it; else as for every write.
    pub async fn decide(
        &self,
        decision: &Decision,
        run: &str,
        reason: &str,
        origin: &Origin,
    ) -> Result<Decided, Error> {
        let request = api::DecisionRequest {
            request_id: origin.request_id.clone(),
            run: run.to_owned(),
            step: decision.step().unwrap_or_default().to_owned(),
            decision: decision.word().to_owned(),
            reason: reason.to_owned(),
            operator: origin.operator.clone(),
            roles: origin.roles.clone(),
        };
        let answer = self
            .ask(Some(&origin.request_id), |mut operator| {
                let request = request.clone();
                async move { operator.decide(request).await }
            })
            .await?;
        Ok(convert::decided(run, decision.step(), answer))
    }
}
