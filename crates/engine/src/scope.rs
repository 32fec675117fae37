//! What a step of a run is, and what its references and expressions may see.

use std::collections::BTreeMap;

use baton_plan::expression::{AnswerFacts, Facts, StepFacts};
use baton_plan::plan::{Setting, Step, StepIndex, Work};
use baton_plan::reference::{RunField, Scope};

use crate::command::{Mode, Subject};
use crate::plans::{PlanVersion, Plans};
use crate::run::Run;
use crate::step::{Attempt, Direction};

/// The plan version that a frame carries out.
pub fn version<'a>(run: &Run, plans: &'a Plans, frame: usize) -> &'a PlanVersion {
    let frame = &run.frames[frame];
    &plans[&frame.plan].versions[frame.version as usize - 1]
}

/// What its plan says of a step.
pub fn step<'a>(run: &Run, plans: &'a Plans, index: StepIndex) -> &'a Step {
    let origin = &run.steps[index].origin;
    &version(run, plans, origin.frame).plan.steps[origin.definition]
}

/// A step's name in the run: `promote`, `restore[shard-1]`, `move-db/promote`.
pub fn name(run: &Run, plans: &Plans, index: StepIndex) -> String {
    let origin = &run.steps[index].origin;
    if let (Some(parent), Some(item)) = (origin.parent, &origin.item) {
        return format!("{}[{item}]", name(run, plans, parent));
    }
    let own = &step(run, plans, index).name;
    match run.frames[origin.frame].parent {
        Some(parent) => format!("{}/{own}", name(run, plans, parent)),
        None => own.clone(),
    }
}

/// The step of that name.
pub fn find(run: &Run, plans: &Plans, name: &str) -> Option<StepIndex> {
    run.named.get(name).copied().or_else(|| version(run, plans, 0).step(name))
}

/// How the old side is treated by a step: the run's mode, unless it was escalated by itself.
pub fn mode(run: &Run, index: StepIndex) -> Mode {
    match run.chain(index).any(|index| run.steps[index].escalated) {
        true => Mode::Ungraceful,
        false => run.mode,
    }
}

/// The setting whose variant a step would be carried out in now; `None` for the step as it stands.
pub fn variant(run: &Run, plans: &Plans, index: StepIndex) -> Option<Setting> {
    let variants = &step(run, plans, index).variants;
    let has = |setting: Setting| variants.iter().any(|variant| variant.setting == setting);
    settings(run, index).into_iter().flatten().find(|setting| has(*setting))
}

/// The settings that hold for a step, the stronger first.
pub fn settings(run: &Run, index: StepIndex) -> [Option<Setting>; 2] {
    let by_mode = match mode(run, index) {
        Mode::Graceful => Setting::Graceful,
        Mode::Ungraceful => Setting::Ungraceful,
    };
    [run.drill.then_some(Setting::Drill), Some(by_mode)]
}

/// What a step carries out, the way that it goes now. A fan-out's members do the work, not the whole of it.
pub fn work<'a>(run: &Run, plans: &'a Plans, index: StepIndex) -> &'a Work {
    let (step, state) = (step(run, plans, index), &run.steps[index]);
    let chosen = match state.status {
        crate::step::Status::Waiting => variant(run, plans, index),
        _ => state.variant,
    };
    match (state.direction, &step.undo) {
        (Direction::Undo, Some(undo)) => undo,
        _ => {
            let variant = step.variants.iter().find(|variant| Some(variant.setting) == chosen);
            variant.map_or(&step.work, |variant| &variant.work)
        }
    }
}

/// Whether a step may fail, in the variant that it is carried out in.
pub fn is_optional(run: &Run, plans: &Plans, index: StepIndex) -> bool {
    let step = step(run, plans, index);
    let chosen = run.steps[index].variant;
    let variant = step.variants.iter().find(|variant| Some(variant.setting) == chosen);
    variant.map_or(step.optional, |variant| variant.optional)
}

/// What `${…}` may refer to in a step of a run.
pub struct RunScope<'a> {
    /// The run.
    pub run: &'a Run,
    /// Every plan.
    pub plans: &'a Plans,
    /// The step that asks.
    pub index: StepIndex,
}

impl RunScope<'_> {
    fn frame(&self) -> usize {
        self.run.steps[self.index].origin.frame
    }

    fn local(&self, step: &str) -> Option<StepIndex> {
        let definition = version(self.run, self.plans, self.frame()).step(step)?;
        Some(self.run.frames[self.frame()].first + definition)
    }

    /// The parameters that the step sees: its template's own, else those of its plan.
    fn params(&self) -> BTreeMap<String, String> {
        let step = step(self.run, self.plans, self.index);
        if step.uses.is_none() {
            return self.run.frames[self.frame()].params.clone();
        }
        let outer = Outer(self);
        let bound = step.with.iter().filter_map(|binding| {
            let value = binding.value.render(&outer).ok()?;
            Some((binding.name.clone(), value))
        });
        bound.collect()
    }
}

/// What a step that uses a template may refer to outside of the template's own work: the plan around. Of a step that
/// uses none, the two are the same.
pub(crate) struct Outer<'a>(pub(crate) &'a RunScope<'a>);

impl Scope for Outer<'_> {
    fn param(&self, name: &str) -> Option<String> {
        self.0.run.frames[self.0.frame()].params.get(name).cloned()
    }
    fn run(&self, field: RunField) -> String {
        self.0.run(field)
    }
    fn output(&self, step: &str, key: &str) -> Option<String> {
        self.0.output(step, key)
    }
    fn item(&self) -> Option<String> {
        self.0.item()
    }
}

impl Scope for RunScope<'_> {
    fn param(&self, name: &str) -> Option<String> {
        let step = step(self.run, self.plans, self.index);
        match step.with.iter().find(|binding| binding.name == name) {
            Some(binding) => binding.value.render(&Outer(self)).ok(),
            None => Outer(self).param(name),
        }
    }
    fn run(&self, field: RunField) -> String {
        match field {
            RunField::Id => self.run.id.clone(),
            RunField::Mode => mode_word(mode(self.run, self.index)).into(),
            RunField::Drill => self.run.drill.to_string(),
            RunField::Plan => self.run.plan.clone(),
            RunField::Operator => self.run.operator.clone(),
        }
    }
    fn output(&self, step: &str, key: &str) -> Option<String> {
        self.run.steps[self.local(step)?].outputs.get(key).cloned()
    }
    fn item(&self) -> Option<String> {
        self.run.item(self.index).map(str::to_owned)
    }
}

/// The contract's word.
pub fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Graceful => "graceful",
        Mode::Ungraceful => "ungraceful",
    }
}

/// The `BATON_…` variables of a step, without those that only its agent knows.
pub(crate) fn environment(scope: &RunScope<'_>, attempt: &Attempt) -> BTreeMap<String, String> {
    let RunScope { run, plans, index } = *scope;
    let (name, state) = (name(run, plans, index), &run.steps[index]);
    let identity = match attempt.direction {
        Direction::Do => format!("{}/{name}", run.id),
        Direction::Undo => format!("{}/{name}/undo", run.id),
    };
    let mut variables = BTreeMap::from([
        ("BATON_RUN".to_owned(), run.id.clone()),
        ("BATON_STEP".into(), name),
        ("BATON_ATTEMPT".into(), attempt.number.to_string()),
        ("BATON_TOKEN".into(), attempt.token.to_string()),
        ("BATON_REQUEST_ID".into(), identity),
        ("BATON_DIRECTION".into(), attempt.direction.word().into()),
        ("BATON_REGION".into(), state.region.clone().unwrap_or_default()),
        ("BATON_MODE".into(), mode_word(mode(run, index)).into()),
        ("BATON_DRILL".into(), run.drill.to_string()),
    ]);
    if let Some(item) = run.item(index) {
        variables.insert("BATON_ITEM".into(), item.to_owned());
    }
    for (name, value) in scope.params() {
        variables.insert(format!("BATON_PARAM_{}", variable(&name)), value);
    }
    // Only the direct needs, and for an undo what it takes back: everything upstream would outgrow what a process may
    // be started with.
    let step = step(run, plans, index);
    let needs = step.needs.iter().map(|need| run.frames[state.origin.frame].first + need);
    let own = (attempt.direction == Direction::Undo).then_some(index);
    for source in needs.chain(own) {
        let step = variable(&self::step(run, plans, source).name);
        for (key, value) in run.steps[source].outputs.iter() {
            variables.insert(format!("BATON_OUTPUT_{step}_{}", variable(key)), value.clone());
        }
    }
    variables
}

fn variable(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

/// What a step's expressions may ask about. Its `when` belongs to the plan around, whatever template it uses.
pub(crate) fn facts(scope: &RunScope<'_>, subject: Subject) -> Facts {
    let RunScope { run, plans, index } = *scope;
    let frame = run.steps[index].origin.frame;
    let (plan, step) = (&version(run, plans, frame).plan, step(run, plans, index));
    let outside = subject == Subject::When;
    let kind = |name: &str| {
        let bound = step.with.iter().find(|binding| binding.name == name && !outside);
        let declared = plan.params.iter().find(|param| param.name == name).map(|param| param.kind);
        bound.map(|binding| binding.kind).or(declared)
    };
    let known = if outside { run.frames[frame].params.clone() } else { scope.params() };
    let params = known.into_iter().filter_map(|(name, value)| Some((name.clone(), (kind(&name)?, value))));
    let first = run.frames[frame].first;
    let steps = plan.steps.iter().zip(&run.steps[first..]).filter(|(_, state)| state.status.is_settled());
    let steps = steps.map(|(step, state)| {
        let facts =
            StepFacts { status: state.status.word().to_owned(), outputs: BTreeMap::clone(&state.outputs) };
        (step.name.clone(), facts)
    });
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Facts {
        params: params.collect(),
        run: BTreeMap::from([
            text("id", &run.id),
            text("mode", mode_word(mode(run, index))),
            text("plan", &run.plan),
            text("operator", &run.operator),
            text("drill", if run.drill { "true" } else { "false" }),
        ]),
        objectives: plan.objectives(),
        steps: steps.collect(),
        answer: run.steps[index].unjudged.as_ref().map(|ending| AnswerFacts {
            exit_code: ending.exit_code.unwrap_or_default(),
            stdout: ending.stdout.clone(),
            outputs: ending.outputs.clone(),
        }),
    }
}
