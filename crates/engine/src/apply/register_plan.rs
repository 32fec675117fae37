use std::sync::Arc;

use baton_plan::plan::Plan;

use crate::command::{Answer, Reply, Request};
use crate::plans::PlanVersion;
use crate::stamp::Moment;
use crate::state::State;

impl State {
    /// Keeps a checked plan as a new version, unless this very text is the newest already.
    pub(super) fn register_plan(
        &mut self,
        at: Moment,
        request: &Request,
        plan: &Plan,
        source: &str,
    ) -> Reply {
        let history = self.plans.entry(plan.name.clone()).or_default();
        let newest = history.versions.last();
        let unchanged = newest.is_some_and(|newest| newest.source == source && newest.plan == *plan);
        if !unchanged {
            let version = history.versions.len() as u32 + 1;
            let kept =
                PlanVersion::new(version, plan.clone(), source.to_owned(), at, request.operator.clone());
            history.versions.push(Arc::new(kept));
        }
        let version = history.versions.len() as u32;
        Ok(Answer::Registered { name: plan.name.clone(), version, unchanged })
    }
}
