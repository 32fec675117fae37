use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use baton_plan::Plan;
use baton_plan::plan::{Action, Step};
use baton_plan::reference::{RunField, Scope};

use crate::attention::Attention;
use crate::command::{Answer, Mode, Reply, Request};
use crate::event::Event;
use crate::locks::Owner;
use crate::plans::PlanVersion;
use crate::rejection::Rejection;
use crate::run::{Frame, Run, Status};
use crate::scope;
use crate::stamp::Moment;
use crate::state::State;

/// How deep plans may carry out plans.
const MAX_DEPTH: usize = 8;

/// What a start asks for.
pub(super) struct Start<'a> {
    pub(super) request: &'a Request,
    pub(super) plan: &'a str,
    pub(super) version: Option<u32>,
    pub(super) params: &'a BTreeMap<String, String>,
    pub(super) mode: Mode,
    pub(super) drill: bool,
    pub(super) queue: bool,
}

impl State {
    /// Begins a run, and grants whatever needs nothing.
    pub(super) fn start_run(&mut self, at: Moment, start: &Start<'_>) -> Reply {
        let version = self.version_to_start(start)?;
        let params = version
            .plan
            .resolve_params(start.params)
            .map_err(|problems| Rejection::Invalid(problems.join("\n")))?;
        let pins = self.children_of(&version.plan)?;
        let number = self.plans.get(start.plan).map_or(0, |history| history.runs) + 1;
        let id = match self.reckoning.epoch {
            0 => format!("{}-{number}", start.plan),
            // In the time that a restore has lost, the next number may have been given out.
            epoch => format!("{}-{epoch}-{number}", start.plan),
        };
        let mut run = fresh(at, start, &version, id.clone(), params);
        (run.number, run.pins) = (self.started + 1, pins);
        run.locks = self.locks_of(&run).map_err(Rejection::Invalid)?;
        self.take_locks(at, start, &mut run)?;
        self.started += 1;
        self.plans.entry(start.plan.to_owned()).or_default().runs = number;
        self.by_start.insert(run.number, id.clone());
        self.runs.insert(id.clone(), Arc::new(run));
        self.with_run(at, &id, |turn| {
            let frame = turn.run.frames.remove(0);
            turn.add_frame(frame);
        });
        Ok(Answer::Started { run: id })
    }

    /// The versions of all plans that this one carries out inside of itself, as they are now.
    fn children_of(&self, plan: &Plan) -> Result<BTreeMap<String, u32>, Rejection> {
        let mut pins = BTreeMap::new();
        let mut open = vec![(plan, vec![plan.name.clone()])];
        while let Some((plan, path)) = open.pop() {
            for name in plan.steps.iter().flat_map(children) {
                let missing = || {
                    Rejection::NotFound(format!(
                        "plan `{}` carries out plan `{name}`, which is not registered; register it with \
                         `baton plan register FILE`",
                        plan.name
                    ))
                };
                let newest = self.plans.get(name).and_then(|history| history.versions.last());
                let newest = newest.ok_or_else(missing)?;
                if path.contains(name) || path.len() >= MAX_DEPTH {
                    let circle = path.join(" → ");
                    return Err(Rejection::Refused(format!(
                        "plans carry out one another without end, or deeper than {MAX_DEPTH}: {circle} → {name}"
                    )));
                }
                if pins.insert(name.clone(), newest.version).is_none() {
                    let path = path.iter().chain([name]).cloned().collect();
                    open.push((&newest.plan, path));
                }
            }
        }
        Ok(pins)
    }

    /// The locks of the plan and, as far as their names are known yet, of the plans that it carries out.
    fn locks_of(&self, run: &Run) -> Result<Vec<String>, String> {
        let scope = Names(run);
        let plan = &self.version_of(run).plan;
        let own = plan.locks.iter().map(|lock| lock.render(&scope).map_err(|missing| missing.to_string()));
        let mut names: Vec<_> = own.collect::<Result<_, _>>()?;
        for (name, version) in &run.pins {
            let child = &self.plans[name].versions[*version as usize - 1].plan;
            names.extend(child.locks.iter().filter_map(|lock| lock.as_literal()).map(str::to_owned));
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Takes the run's locks, or refuses it, or queues it, where somebody else holds one.
    fn take_locks(&mut self, at: Moment, start: &Start<'_>, run: &mut Run) -> Result<(), Rejection> {
        let owner = Owner { run: run.id.clone(), step: None };
        match self.locks.hindrance(&run.locks, |holder| *holder == owner) {
            None => drop(self.locks.take(&run.locks, &owner, None, at)),
            Some((name, lock)) if start.queue => {
                run.queued = true;
                let reason = format!("it waits: {}", lock.text_with_age(name, at.stamp.time_ms));
                run.record(at, Event::RunQueued { reason });
            }
            Some((name, lock)) => {
                let holder = lock.text_with_age(name, at.stamp.time_ms);
                return Err(Rejection::Refused(format!(
                    "plan `{}` cannot start: {holder}; wait for its end with `baton run wait {}`, or queue the run with \
                     `--queue`",
                    start.plan, lock.owner.run
                )));
            }
        }
        Ok(())
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
}

fn children(step: &Step) -> impl Iterator<Item = &String> {
    let variants = step.variants.iter().map(|variant| &variant.work);
    let actions = std::iter::once(&step.work).chain(variants).map(|work| &work.action);
    actions.filter_map(|action| match action {
        Action::Child(child) => Some(&child.plan),
        _ => None,
    })
}

/// What the name of a run's lock may refer to: its parameters, and the run itself.
struct Names<'a>(&'a Run);

impl Scope for Names<'_> {
    fn param(&self, name: &str) -> Option<String> {
        self.0.frames[0].params.get(name).cloned()
    }
    fn run(&self, field: RunField) -> String {
        match field {
            RunField::Id => self.0.id.clone(),
            RunField::Mode => scope::mode_word(self.0.mode).into(),
            RunField::Drill => self.0.drill.to_string(),
            RunField::Plan => self.0.plan.clone(),
            RunField::Operator => self.0.operator.clone(),
        }
    }
    fn output(&self, _step: &str, _key: &str) -> Option<String> {
        None
    }
    fn item(&self) -> Option<String> {
        None
    }
}

/// A run that has begun and done nothing; its frame has no steps yet.
fn fresh(
    at: Moment,
    start: &Start<'_>,
    version: &PlanVersion,
    id: String,
    params: BTreeMap<String, String>,
) -> Run {
    let (plan, operator) = (start.plan.to_owned(), start.request.operator.clone());
    let frame = Frame::new(plan.clone(), version.version, None, 0, params, at.stamp.time_ms);
    let mut run = Run {
        id,
        number: 0,
        plan: plan.clone(),
        version: version.version,
        mode: start.mode,
        drill: start.drill,
        pins: BTreeMap::new(),
        frames: vec![frame],
        operator: operator.clone(),
        status: Status::Running,
        reason: None,
        paused_by: None,
        exceptions: 0,
        takeovers: 0,
        started: at,
        ended: None,
        locks: Vec::new(),
        queued: false,
        steps: Vec::new(),
        named: BTreeMap::new(),
        ready: BTreeSet::new(),
        open: BTreeSet::new(),
        undoing: BTreeSet::new(),
        barriers: BTreeSet::new(),
        alarm_ms: None,
        timeline: Vec::new(),
        changed: at.index,
        attention: Attention::default(),
    };
    run.record(at, Event::RunStarted { plan, version: version.version, operator });
    run
}
