//! Which ready steps are granted now, and to whom.

use std::collections::BTreeMap;

use baton_plan::params::is_region;
use baton_plan::plan::{Action, StepIndex};
use baton_plan::reference::{RunField, Scope, Template};

use crate::command::{Mode, Speaker};
use crate::effect;
use crate::event::Event;
use crate::plans::PlanVersion;
use crate::run::Run;
use crate::step::{Attempt, Status};
use crate::turn::Turn;

/// Why a ready step was not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// Its condition is being evaluated.
    Condition,
    /// Not before this cluster time.
    Until(u64),
    /// The plan's limits.
    Limit,
    /// Every live agent of the region is busy.
    Busy(String),
    /// No agent of the region is live.
    Nobody(String),
}

impl Hindrance {
    /// For the step's `reason`.
    pub fn text(&self) -> String {
        match self {
            Hindrance::Condition => "its condition is being evaluated".into(),
            Hindrance::Until(_) => "it pauses before the next attempt".into(),
            Hindrance::Limit => "the plan's limits are reached".into(),
            Hindrance::Busy(region) => format!("every agent in {region} is busy"),
            Hindrance::Nobody(region) => format!("no agent in {region} is live"),
        }
    }
}

/// What `${…}` may refer to in a run.
pub struct RunScope<'a> {
    /// The run.
    pub run: &'a Run,
    /// Its plan.
    pub version: &'a PlanVersion,
}

impl Scope for RunScope<'_> {
    fn param(&self, name: &str) -> Option<String> {
        self.run.params.get(name).cloned()
    }
    fn run(&self, field: RunField) -> String {
        match field {
            RunField::Id => self.run.id.clone(),
            RunField::Mode => mode_word(self.run.mode).into(),
            RunField::Drill => self.run.drill.to_string(),
            RunField::Plan => self.run.plan.clone(),
            RunField::Operator => self.run.operator.clone(),
        }
    }
    fn output(&self, step: &str, key: &str) -> Option<String> {
        let index = self.version.step(step)?;
        self.run.steps[index].outputs.get(key).cloned()
    }
}

/// The contract's word.
pub fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Graceful => "graceful",
        Mode::Ungraceful => "ungraceful",
    }
}

impl Turn<'_> {
    /// Grants a ready step, or says what hinders it.
    pub(crate) fn grant(&mut self, index: StepIndex) -> Result<(), Hindrance> {
        let state = &self.run.steps[index];
        if state.not_before_ms > self.now_ms() {
            return Err(Hindrance::Until(state.not_before_ms));
        }
        match (&self.step(index).when, state.when) {
            (Some(_), None) => return Err(Hindrance::Condition),
            (Some(_), Some(false)) => {
                self.skip(index);
                return Ok(());
            }
            _ => {}
        }
        if let Action::WaitFor(wait_ms) = self.step(index).action {
            self.begin_wait(index, wait_ms);
            return Ok(());
        }
        match self.region(index) {
            Err(reason) => self.fail(index, reason),
            Ok(None) => self.succeed(index, None),
            Ok(Some(region)) => self.grant_in(index, &region)?,
        }
        Ok(())
    }

    fn begin_wait(&mut self, index: StepIndex, wait_ms: u64) {
        let until_ms = self.now_ms() + wait_ms;
        self.state(index).not_before_ms = until_ms;
        self.alarm_at(until_ms);
        self.turn_to(index, Status::Running, None);
        let step = self.name(index);
        self.record(Event::WaitBegan { step, until_ms });
    }

    /// The step's region with its references filled in, once all that it refers to is known to be there.
    fn region(&mut self, index: StepIndex) -> Result<Option<String>, String> {
        let scope = RunScope { run: self.run, version: self.version };
        let step = &self.version.plan.steps[index];
        let fill = |template: &Template| template.render(&scope).map_err(|missing| missing.to_string());
        let region = step.region.as_ref().map(fill).transpose()?;
        if let Some(performed) = effect::performed(&step.action, fill) {
            performed?;
        }
        if let Some(probe) = &step.probe {
            effect::argv(&probe.command, fill)?;
        }
        if region.as_deref().is_some_and(|region| !is_region(region)) {
            let region = region.unwrap_or_default();
            return Err(format!(
                "`{region}` is not the name of a region: use lower-case letters, digits and dashes"
            ));
        }
        self.state(index).region = region.clone();
        Ok(region)
    }

    fn grant_in(&mut self, index: StepIndex, region: &str) -> Result<(), Hindrance> {
        let limits = self.version.plan.limits;
        let under_way = |in_region: Option<&str>| {
            let open = self.run.open.iter().map(|open| &self.run.steps[*open]);
            open.filter(|state| in_region.is_none() || state.region.as_deref() == in_region).count() as u32
        };
        if limits.parallel.is_some_and(|limit| under_way(None) >= limit)
            || limits.per_region.is_some_and(|limit| under_way(Some(region)) >= limit)
        {
            return Err(Hindrance::Limit);
        }
        let Some(agent) = self.agents.choose(region, 1) else {
            let nobody = self.agents.live_in(region).next().is_none();
            let hindrance = if nobody { Hindrance::Nobody } else { Hindrance::Busy };
            return Err(hindrance(region.to_owned()));
        };
        let speaker = agent.join.speaker.clone();
        self.assign(index, speaker, region);
        Ok(())
    }

    /// Makes a new attempt and gives it to an agent.
    fn assign(&mut self, index: StepIndex, speaker: Speaker, region: &str) {
        let token = self.next_token();
        let (at, idempotent) = (self.at, self.step(index).idempotent);
        let state = self.state(index);
        let number = state.attempts.len() as u32 + 1;
        let agent = speaker.agent.clone();
        state.question = None;
        state.attempts.push(Attempt {
            number,
            token,
            speaker: speaker.clone(),
            granted: at,
            begun: idempotent.then_some(at),
            ended: None,
            outcome: None,
            exit_code: None,
            reason: None,
            stdout: String::new(),
            stderr: String::new(),
            lapsed: false,
            gone: false,
            stopping: false,
        });
        self.agents.hold(&speaker, token, &self.run.id, index, at.index);
        self.turn_to(index, Status::Running, None);
        let step = self.name(index);
        self.record(Event::StepGranted { step, attempt: number, token, agent, region: region.to_owned() });
    }
}

/// The `BATON_…` variables of a step, without those that only its agent knows.
pub(crate) fn environment(
    scope: &RunScope<'_>,
    index: StepIndex,
    attempt: &Attempt,
) -> BTreeMap<String, String> {
    let RunScope { run, version } = scope;
    let step = &version.plan.steps[index].name;
    let mut variables = BTreeMap::from([
        ("BATON_RUN".to_owned(), run.id.clone()),
        ("BATON_STEP".into(), step.clone()),
        ("BATON_ATTEMPT".into(), attempt.number.to_string()),
        ("BATON_TOKEN".into(), attempt.token.to_string()),
        ("BATON_REQUEST_ID".into(), format!("{}/{step}", run.id)),
        ("BATON_REGION".into(), run.steps[index].region.clone().unwrap_or_default()),
        ("BATON_MODE".into(), mode_word(run.mode).into()),
        ("BATON_DRILL".into(), run.drill.to_string()),
    ]);
    for (name, value) in &run.params {
        let name = name.to_ascii_uppercase().replace('-', "_");
        variables.insert(format!("BATON_PARAM_{name}"), value.clone());
    }
    // Only the direct needs: everything upstream would outgrow what a process may be started with.
    for need in &version.plan.steps[index].needs {
        let name = version.plan.steps[*need].name.to_ascii_uppercase().replace('-', "_");
        for (key, value) in &run.steps[*need].outputs {
            let key = key.to_ascii_uppercase().replace('-', "_");
            variables.insert(format!("BATON_OUTPUT_{name}_{key}"), value.clone());
        }
    }
    variables
}
