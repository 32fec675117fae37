//! Plans and step templates: checked here, once; what the log carries is the checked form.

use baton_api as api;
use baton_engine::command::Request as By;
use baton_engine::{Answer, Command, State};
use baton_plan::Described;
use tonic::Status;

use super::{OperatorService, unexpected};
use crate::apart::apart;
use crate::grpc::catalogue::Shelf;
use crate::grpc::view;

impl OperatorService {
    pub(super) async fn register(
        &self,
        request: api::RegisterPlanRequest,
    ) -> Result<api::RegisterPlanResponse, Status> {
        // Only the leader knows every template that was registered.
        self.in_office()?;
        let api::RegisterPlanRequest { request_id, source, operator } = request;
        let shelf = self.cluster.machine().read(Shelf::of);
        let described = check(source.clone(), shelf).await?;
        let request = By { id: request_id, operator, roles: Vec::new() };
        let (kind, command) = match described {
            Described::Plan(checked) => {
                ("Plan", Command::RegisterPlan { request, plan: Box::new(checked.plan), source })
            }
            Described::StepTemplate { template, .. } => {
                if baton_plan::builtin().find(&template.name, None).is_some() {
                    let name = &template.name;
                    let text = format!("step template `{name}` comes with Baton; give yours another name");
                    return Err(Status::aborted(text));
                }
                ("StepTemplate", Command::RegisterTemplate { request, template: Box::new(template), source })
            }
        };
        match self.propose(command).await? {
            (revision, Answer::Registered { name, version, unchanged }) => {
                Ok(api::RegisterPlanResponse { name, version, unchanged, revision, kind: kind.into() })
            }
            (_, other) => Err(unexpected(&other)),
        }
    }

    pub(super) async fn plans(
        &self,
        request: api::ListPlansRequest,
    ) -> Result<api::ListPlansResponse, Status> {
        let list = |state: &State, revision| {
            let newest =
                state.plans.values().filter_map(|history| Some(view::plan(history, history.version(None)?)));
            api::ListPlansResponse { plans: newest.collect(), revision }
        };
        self.read(request.stale, list).await
    }

    pub(super) async fn plan(&self, request: api::GetPlanRequest) -> Result<api::GetPlanResponse, Status> {
        let api::GetPlanRequest { name, version, stale } = request;
        let get = |state: &State, revision| {
            let missing =
                || Status::not_found(format!("there is no plan `{name}`; `baton plan list` shows them"));
            let history = state.plans.get(&name).ok_or_else(missing)?;
            let found = history.version((version != 0).then_some(version)).ok_or_else(|| {
                let newest = history.versions.len();
                Status::not_found(format!("plan `{name}` has no version {version}; the newest is {newest}"))
            })?;
            let checked = serde_json::to_string(&found.plan).map_err(|error| {
                Status::internal(format!("plan `{name}` cannot be written as JSON: {error}"))
            })?;
            let plan = Some(view::plan(history, found));
            Ok(api::GetPlanResponse { plan, source: found.source.clone(), revision, checked })
        };
        self.read(stale, get).await?
    }

    pub(super) async fn templates(
        &self,
        request: api::ListTemplatesRequest,
    ) -> Result<api::ListTemplatesResponse, Status> {
        let list = |state: &State, revision| {
            let shelf = Shelf::of(state);
            let newest = shelf.all().into_iter().map(|found| view::template(&found));
            api::ListTemplatesResponse { templates: newest.collect(), revision }
        };
        self.read(request.stale, list).await
    }

    pub(super) async fn template(
        &self,
        request: api::GetTemplateRequest,
    ) -> Result<api::GetTemplateResponse, Status> {
        let api::GetTemplateRequest { name, version, stale } = request;
        let get = |state: &State, revision| {
            let shelf = Shelf::of(state);
            let found = shelf.get(&name, version).ok_or_else(|| match shelf.get(&name, None) {
                Some(newest) => Status::not_found(format!(
                    "step template `{name}` has no version {}; the newest is {}",
                    version.unwrap_or_default(),
                    newest.version()
                )),
                None => Status::not_found(format!(
                    "there is no step template `{name}`; `baton plan templates` shows them"
                )),
            })?;
            let source = found.source();
            Ok(api::GetTemplateResponse { template: Some(view::template(&found)), source, revision })
        };
        self.read(stale, get).await?
    }
}

/// Checks a text against the templates that there are, on a thread of its own.
async fn check(source: String, shelf: Shelf) -> Result<Described, Status> {
    let checked = apart(move || {
        baton_plan::check_document(&source, &shelf)
            .map_err(|problems| baton_plan::problem::render(&source, "plan", &problems))
    });
    let checked = checked.await.map_err(|_| Status::internal("the check was cut off"))?;
    checked.map_err(Status::invalid_argument)
}
