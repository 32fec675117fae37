use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::command::{Answer, Mode, Reply, Request};
use crate::event::Event;
use crate::plans::PlanVersion;
use crate::rejection::Rejection;
use crate::run::{Heading, Run, Status};
use crate::stamp::Moment;
use crate::state::State;

/// What a start asks for.
pub(super) struct Start<'a> {
    pub(super) request: &'a Request,
    pub(super) plan: &'a str,
    pub(super) version: Option<u32>,
    pub(super) params: &'a BTreeMap<String, String>,
    pub(super) mode: Mode,
    pub(super) drill: bool,
}

impl State {
    /// Begins a run, and grants whatever needs nothing.
    pub(super) fn start_run(&mut self, at: Moment, start: &Start<'_>) -> Reply {
        let version = self.version_to_start(start)?;
        let params = version
            .plan
            .resolve_params(start.params)
            .map_err(|problems| Rejection::Invalid(problems.join("\n")))?;
        let id = self.add_run(at, start, &version, params);
        self.with_run(at, &id, |turn| {
            for (index, step) in turn.version.plan.steps.iter().enumerate() {
                if step.needs.is_empty() {
                    turn.run.steps[index].ready_ms = Some(turn.at.stamp.time_ms);
                    let rank = turn.rank(index);
                    turn.run.ready.insert(rank);
                }
            }
        });
        Ok(Answer::Started { run: id })
    }

    fn version_to_start(&self, start: &Start<'_>) -> Result<Arc<PlanVersion>, Rejection> {
        let name = start.plan;
        let missing = || {
            Rejection::NotFound(format!(
                "there is no plan `{name}`; register it with `baton plan register FILE`"
            ))
        };
        let history = self.plans.get(name).ok_or_else(missing)?;
        let newest = history.versions.len();
        match start.version {
            Some(asked) if asked as usize != newest => Err(Rejection::Refused(format!(
                "version {asked} of plan `{name}` is not the newest, which is {newest}; look at it and start that one"
            ))),
            _ => history.version(None).cloned().ok_or_else(missing),
        }
    }

    fn add_run(
        &mut self,
        at: Moment,
        start: &Start<'_>,
        version: &PlanVersion,
        params: BTreeMap<String, String>,
    ) -> String {
        self.started += 1;
        let history = self.plans.entry(start.plan.to_owned()).or_default();
        history.runs += 1;
        let id = format!("{}-{}", start.plan, history.runs);
        let mut run = Run {
            id: id.clone(),
            number: self.started,
            plan: start.plan.to_owned(),
            version: version.version,
            mode: start.mode,
            drill: start.drill,
            params,
            operator: start.request.operator.clone(),
            status: Status::Running,
            reason: None,
            heading: Heading::Through,
            exceptions: 0,
            takeovers: 0,
            started: at,
            ended: None,
            steps: Run::fresh_steps(version, at.index),
            ready: BTreeSet::new(),
            open: BTreeSet::new(),
            alarm_ms: None,
            timeline: Vec::new(),
            changed: at.index,
        };
        let operator = start.request.operator.clone();
        run.record(at, Event::RunStarted { plan: start.plan.to_owned(), version: version.version, operator });
        self.by_start.insert(run.number, id.clone());
        self.runs.insert(id.clone(), Arc::new(run));
        id
    }
}
