//! Plans and step templates.

use baton_api as api;

use crate::view::{Plan, PlanList, Registered, Template, TemplateList};
use crate::{Client, Error, Origin, convert};

impl Client {
    /// Registers the YAML or JSON text of a plan or a step template; the newest version that says the same is kept.
    ///
    /// # Errors
    /// [`Error::InvalidPlan`] with every problem of the text; else as for every write.
    pub async fn register_plan(&self, source: &str, origin: &Origin) -> Result<Registered, Error> {
        let request = api::RegisterPlanRequest {
            request_id: origin.request_id.clone(),
            source: source.to_owned(),
            operator: origin.operator.clone(),
        };
        let answer = self
            .ask(Some(&origin.request_id), |mut operator| {
                let request = request.clone();
                async move { operator.register_plan(request).await }
            })
            .await;
        match answer {
            Ok(answer) => Ok(convert::registered(answer)),
            // Nothing but the text can be wrong about a registration.
            Err(Error::Usage(text)) => Err(Error::InvalidPlan(text)),
            Err(error) => Err(error),
        }
    }

    /// The newest version of every plan. `stale` takes what any one coordinator knows.
    ///
    /// # Errors
    /// As for every read.
    pub async fn list_plans(&self, stale: bool) -> Result<PlanList, Error> {
        let request = api::ListPlansRequest { stale };
        let answer = self.ask(None, |mut operator| async move { operator.list_plans(request).await }).await?;
        Ok(convert::plan_list(answer))
    }

    /// One plan with its text; without a version the newest.
    ///
    /// # Errors
    /// [`Error::NotFound`]; else as for every read.
    pub async fn get_plan(&self, name: &str, version: Option<u32>, stale: bool) -> Result<Plan, Error> {
        let request = api::GetPlanRequest { name: name.to_owned(), version: version.unwrap_or(0), stale };
        let answer = self
            .ask(None, |mut operator| {
                let request = request.clone();
                async move { operator.get_plan(request).await }
            })
            .await?;
        convert::plan(answer)
    }

    /// The newest version of every step template, those that came with the coordinator included.
    ///
    /// # Errors
    /// As for every read.
    pub async fn list_templates(&self, stale: bool) -> Result<TemplateList, Error> {
        let request = api::ListTemplatesRequest { stale };
        let answer =
            self.ask(None, |mut operator| async move { operator.list_templates(request).await }).await?;
        Ok(convert::template_list(answer))
    }

    /// One step template with its text; without a version the newest.
    ///
    /// # Errors
    /// [`Error::NotFound`]; else as for every read.
    pub async fn get_template(
        &self,
        name: &str,
        version: Option<u32>,
        stale: bool,
    ) -> Result<Template, Error> {
        let request = api::GetTemplateRequest { name: name.to_owned(), version, stale };
        let answer = self
            .ask(None, |mut operator| {
                let request = request.clone();
                async move { operator.get_template(request).await }
            })
            .await?;
        convert::template(answer)
    }
}
