use std::collections::BTreeSet;

use crate::command::{Answer, Reply, Request};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::run::Run;
use crate::scope;
use crate::stamp::Moment;
use crate::state::{Freed, State};

impl State {
    /// Sets a resource's capacity for the whole cluster. What is drawn already stays drawn. Runs under way whose plans
    /// name the resource keep it in their record.
    pub(super) fn set_capacity(
        &mut self,
        at: Moment,
        request: &Request,
        name: &str,
        capacity: Option<u32>,
        reason: &str,
    ) -> Reply {
        if name.is_empty() {
            return Err(Rejection::Invalid("the resource has no name".into()));
        }
        self.is_declared(name)?;
        let resource = self.resources.by_name.entry(name.to_owned()).or_default();
        resource.set = capacity;
        if capacity.is_none() && resource.drawn.is_empty() {
            self.resources.by_name.remove(name);
        }
        let concerned = self.active.iter().filter(|id| self.draws_on(&self.runs[*id], name));
        let concerned: Vec<_> = concerned.cloned().collect();
        for run in concerned {
            let (resource, operator) = (name.to_owned(), request.operator.clone());
            let event = Event::CapacitySet { resource, capacity, operator, reason: reason.to_owned() };
            self.turn(at, &run, |turn| turn.record(event));
        }
        self.settle_starved(at, Freed::Anything);
        Ok(Answer::Done)
    }

    /// Nobody means a resource that no plan knows: a slip of the hand.
    fn is_declared(&self, name: &str) -> Result<(), Rejection> {
        let newest = self.plans.values().filter_map(|history| history.versions.last());
        let declared = newest.flat_map(|version| &version.plan.resources).map(|one| one.name.as_str());
        let known: BTreeSet<_> = declared.chain(self.resources.by_name.keys().map(String::as_str)).collect();
        let under_way = || self.active.iter().any(|id| self.draws_on(&self.runs[id], name));
        if known.contains(name) || under_way() {
            return Ok(());
        }
        let known: Vec<_> = known.into_iter().collect();
        Err(Rejection::NotFound(format!(
            "no plan declares a resource `{name}`; the resources are: {}",
            known.join(", ")
        )))
    }

    fn draws_on(&self, run: &Run, name: &str) -> bool {
        let resources = |frame| scope::version(run, &self.plans, frame).plan.resources.iter();
        (0..run.frames.len()).flat_map(resources).any(|resource| resource.name == name)
    }
}
