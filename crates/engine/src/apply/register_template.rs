use std::sync::Arc;

use baton_plan::StepTemplate;

use crate::command::{Answer, Reply, Request};
use crate::plans::TemplateVersion;
use crate::stamp::Moment;
use crate::state::State;

impl State {
    /// Keeps a checked step template as a new version, unless this very text is the newest already. Plans keep the
    /// version that they were checked with.
    pub(super) fn register_template(
        &mut self,
        at: Moment,
        request: &Request,
        template: &StepTemplate,
        source: &str,
    ) -> Reply {
        let versions = self.templates.entry(template.name.clone()).or_default();
        let unchanged = versions.last().is_some_and(|newest| newest.source == source);
        if !unchanged {
            versions.push(Arc::new(TemplateVersion {
                version: versions.len() as u32 + 1,
                template: template.clone(),
                source: source.to_owned(),
                registered: at,
                operator: request.operator.clone(),
            }));
        }
        let version = versions.len() as u32;
        Ok(Answer::Registered { name: template.name.clone(), version, unchanged })
    }
}
