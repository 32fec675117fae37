//! What a person decides about a run, and what became of it.

use baton_api as api;
use baton_engine::command::{Decision, Request as By};
use baton_engine::run::Run;
use baton_engine::{Command, State, scope};
use tonic::Status;

use super::OperatorService;
use crate::grpc::{convert, view};

impl OperatorService {
    pub(super) async fn decided(
        &self,
        request: api::DecisionRequest,
    ) -> Result<api::DecisionResponse, Status> {
        let decision =
            convert::decision(&request.decision, &request.step).map_err(Status::invalid_argument)?;
        let step = match &decision {
            Decision::Step { step, .. } => Some(step.clone()),
            Decision::Escalate { step } => step.clone(),
            _ => None,
        };
        let api::DecisionRequest { request_id, run, reason, operator, roles, .. } = request;
        let request = By { id: request_id, operator, roles };
        let command = Command::Decide { request, run: run.clone(), decision, reason };
        let (revision, _) = self.propose(command).await?;
        let standing = |state: &State, run: &Run| after(state, run, step.as_deref(), self.now_ms(state));
        // What was decided stands in the log, whatever becomes of looking at it.
        let standing = self.cluster.machine().read_run(&run, standing).ok().flatten();
        Ok(api::DecisionResponse { revision, ..standing.unwrap_or_default() })
    }
}

/// How a run and one of its steps stand.
fn after(state: &State, run: &Run, step: Option<&str>, now_ms: u64) -> api::DecisionResponse {
    let index = step.and_then(|step| scope::find(run, &state.plans, step));
    api::DecisionResponse {
        status: run.status.word().into(),
        reason: run.why(&state.plans).unwrap_or_default(),
        step_status: index.map(|index| run.steps[index].status.word().into()).unwrap_or_default(),
        approval: index.and_then(|index| view::approval(state, run, index, now_ms)),
        ..Default::default()
    }
}
