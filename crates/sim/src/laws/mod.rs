//! The promises P1 to P8 and the invariants INV1 to INV9, one file a law, judged at the target's witness.

pub(crate) mod acknowledged;
mod at_most_once;
mod happened;
mod no_doubt;
mod order;
mod quiescence;
mod replay;
mod rows;
mod timeline;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};

use baton_engine::command::Choice;
use baton_engine::event::Event;
use baton_engine::run::Run;
use baton_engine::{Batch, Command, Evaluation, invariants, scope};
use baton_plan::plan::Work;

use crate::script::Trigger;
use crate::world::{Effect, World};

/// A law that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub law: &'static str,
    /// How.
    pub what: String,
    /// When, milliseconds.
    pub at_ms: u64,
}

/// What the laws, and the rows of the matrix, have to remember.
#[derive(Default)]
pub(crate) struct Memory {
    evaluated: BTreeMap<String, Result<bool, String>>,
    pub(crate) runs: BTreeMap<String, timeline::Known>,
    locks: BTreeMap<String, (String, u64)>,
    pub(crate) rows: rows::Rows,
    pub(crate) finished_while_cut: BTreeSet<u64>,
    pub(crate) region_with_leader_down: bool,
    /// Regions that a person called lost although they were not.
    pub(crate) falsely_lost: BTreeSet<String>,
    tokens: u64,
}

impl Memory {
    /// The value of an expression; the same question has the same answer.
    pub(crate) fn evaluated(&mut self, one: &Evaluation) -> Result<bool, String> {
        let question = format!("{} {:?}", one.expression.source(), one.facts);
        self.evaluated.entry(question).or_insert_with(|| one.expression.evaluate(&one.facts)).clone()
    }
}

/// After every entry.
pub(crate) fn after_apply(world: &mut World, index: usize, batch: &Batch) {
    let state = &world.book.state;
    let checked = match index % 8 {
        0 => invariants::check(state),
        _ => invariants::check_touched(state, index as u64),
    };
    let granted = state.tokens > world.memory.tokens;
    world.memory.tokens = state.tokens;
    if let Err(violation) = checked {
        world.broken("the engine's own", violation);
    }
    timeline::check(world, index as u64);
    rows::after_apply(world, batch);
    world.note(|| format!("{index}: {:?}", batch.commands));
    if granted {
        world.trigger(Trigger::Granted, None);
    }
    for command in &batch.commands {
        let (speaker, trigger) = match command {
            Command::Begin { speaker, .. } => (speaker, Trigger::Begun),
            Command::Report { speaker, .. } => (speaker, Trigger::Recorded),
            _ => continue,
        };
        let place = world.places.iter().position(|place| place.name == speaker.agent);
        world.trigger(trigger, place);
    }
}

/// At every effect.
pub(crate) fn on_effect(world: &mut World, effect: &Effect) {
    at_most_once::check(world, effect);
    quiescence::check(world, effect);
    order::check(world, effect);
    tokens::check(world, effect);
}

/// When everything has ended.
pub(crate) fn at_the_end(world: &mut World) {
    if let Err(violation) = invariants::check(&world.book.state) {
        world.broken("the engine's own", violation);
    }
    acknowledged::at_the_end(world);
    replay::check(world);
    world.totals.runs += world.book.state.runs.len() as u64;
}

/// The run and the node that an effect belongs to.
fn node<'a>(world: &'a World, effect: &Effect) -> Option<(&'a Run, usize)> {
    let state = &world.book.state;
    let run = state.runs.get(&effect.run)?;
    Some((run, scope::find(run, &state.plans, &effect.step)?))
}

/// How often a person's word let the step, or a group around it, be done once more or be taken for done. "Once more" is
/// no such word where a probe can be asked first.
fn words(world: &World, run: &Run, step: &str) -> usize {
    let asks = asks_before_repeating(world, run, step);
    let decided = run.timeline.iter().filter(|record| match &record.event {
        Event::StepDecided { step: of, choice, .. } => {
            let about = step
                .strip_prefix(of.as_str())
                .is_some_and(|part| part.is_empty() || part.starts_with('/') || part.starts_with('['));
            about
                && match choice {
                    Choice::Resolve(_) | Choice::Skip => true,
                    Choice::Retry => !asks,
                    _ => false,
                }
        }
        _ => false,
    });
    decided.count()
}

/// All that it does once can be asked for.
fn asks_before_repeating(world: &World, run: &Run, step: &str) -> bool {
    let plans = &world.book.state.plans;
    let asks = |work: &Work| work.idempotent || work.probe.is_some();
    scope::find(run, plans, step).is_some_and(|index| {
        let step = scope::step(run, plans, index);
        asks(&step.work) && step.undo.as_deref().is_none_or(asks)
    })
}

/// A person's word on the step, or a wrong word on its region, takes the system's promise away.
fn is_by_word(world: &World, run: &Run, step: &str) -> bool {
    let lost = || {
        let lost = |event: &Event| matches!(event, Event::AttemptLost { step: of, .. } if of == step);
        !world.memory.falsely_lost.is_empty() && run.timeline.iter().any(|record| lost(&record.event))
    };
    words(world, run, step) > 0 || lost()
}
