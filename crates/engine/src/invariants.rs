//! The laws that every state obeys, one function each. Unit tests, the simulator and debug builds
//! (after every apply) check these very functions.

use std::collections::BTreeSet;

use baton_plan::plan::Action;

use crate::command::Choice;
use crate::event::{Event, Record};
use crate::openings::Openings;
use crate::places::Places;
use crate::plans::Plans;
use crate::run::{Run, Status as RunStatus};
use crate::scope;
use crate::state::State;
use crate::step::{Direction, Outcome, Status};

/// One broken law, as a sentence.
pub type Violation = String;

/// Every law, over every run.
pub fn check(state: &State) -> Result<(), Violation> {
    books_agree(state)?;
    books_of_scarcity(state)?;
    ended_is_at_rest(state)?;
    slots_are_kept(state)?;
    openings_mirror_agents(state)?;
    places_name_the_starved(state)?;
    state.runs.values().try_for_each(|run| check_run(state, run))
}

/// The laws of the runs that the entry at `index` changed, and of the agents.
pub fn check_touched(state: &State, index: u64) -> Result<(), Violation> {
    slots_are_kept(state)?;
    openings_mirror_agents(state)?;
    places_name_the_starved(state)?;
    let touched = state.active.iter().filter_map(|id| state.runs.get(id));
    touched
        .filter(|run| run.changed == index && run.steps.len() < 200)
        .try_for_each(|run| check_run(state, run))
}

fn check_run(state: &State, run: &Run) -> Result<(), Violation> {
    let plans = &state.plans;
    order_of_the_graph(run, plans)?;
    undo_in_reverse_order(run, plans)?;
    at_most_one_attempt_may_act(run, plans)?;
    no_second_attempt_without_proof(run, plans)?;
    tokens_rise(run)?;
    ended_means_settled(run)?;
    sets_mirror_statuses(run)?;
    open_attempts_are_held(state, run)?;
    locks_and_draws_are_held(state, run)?;
    limits_are_kept(run, plans)?;
    timeline_is_whole(run)
}

/// The nodes that a node needs, within its plan.
fn needs<'a>(run: &'a Run, plans: &'a Plans, index: usize) -> impl Iterator<Item = usize> + 'a {
    let first = run.frames[run.steps[index].origin.frame].first;
    let of_item = run.steps[index].origin.item.is_some();
    scope::step(run, plans, index).needs.iter().filter(move |_| !of_item).map(move |need| first + need)
}

/// P3, INV5: nothing begins before everything that it needs is done. What is done was skipped, succeeded, or was
/// optional; being undone later does not take that back.
pub fn order_of_the_graph(run: &Run, plans: &Plans) -> Result<(), Violation> {
    for (index, state) in run.steps.iter().enumerate() {
        let name = || scope::name(run, plans, index);
        let unmet = needs(run, plans, index).filter(|need| !run.steps[*need].done).count();
        if unmet != state.unmet {
            return Err(format!(
                "{}/{}: {unmet} needs are unmet, the state says {}",
                run.id,
                name(),
                state.unmet
            ));
        }
        let began = !state.attempts.is_empty() || !state.members.is_empty();
        if unmet > 0 && began {
            return Err(format!("{}/{} was attempted before what it needs was done", run.id, name()));
        }
        let done = match state.status {
            Status::Succeeded | Status::Skipped => true,
            Status::Failed => scope::is_optional(run, plans, index),
            _ => continue,
        };
        let is_item = state.origin.item.is_some();
        if state.done != done && !is_item {
            return Err(format!("{}/{} is {} and done: {}", run.id, name(), state.status.word(), state.done));
        }
    }
    Ok(())
}

/// P3: an undo is attempted only when everything that needed the step has been undone, or had nothing to undo.
pub fn undo_in_reverse_order(run: &Run, plans: &Plans) -> Result<(), Violation> {
    for (index, state) in run.steps.iter().enumerate() {
        let undone = |index: usize| {
            let back = run.steps[index].attempts.iter().any(|attempt| attempt.direction == Direction::Undo);
            back || matches!(run.steps[index].status, Status::Undone | Status::Undoing | Status::UndoFailed)
        };
        if !undone(index) {
            continue;
        }
        for need in needs(run, plans, index) {
            let earlier = run.steps[need].attempts.iter().any(|attempt| attempt.direction == Direction::Undo);
            if earlier && run.undoing.contains(&index) {
                return Err(format!(
                    "{}: {} is undone before {} is ({})",
                    run.id,
                    scope::name(run, plans, need),
                    scope::name(run, plans, index),
                    state.status.word()
                ));
            }
        }
    }
    Ok(())
}

/// P1: an earlier attempt has always ended before a later one is granted.
pub fn at_most_one_attempt_may_act(run: &Run, plans: &Plans) -> Result<(), Violation> {
    for (index, state) in run.steps.iter().enumerate() {
        let earlier = state.attempts.split_last().map_or(&[][..], |(_, earlier)| earlier);
        if let Some(attempt) = earlier.iter().find(|attempt| attempt.is_under_way()) {
            let name = scope::name(run, plans, index);
            return Err(format!(
                "{}/{name}: attempt {} is under way beside a later one",
                run.id, attempt.number
            ));
        }
    }
    Ok(())
}

/// P1, INV1: work that is not idempotent got another attempt in the same direction only after one that provably did
/// not take effect: never begun, failed by its own word, gone, fenced, or by an operator's word.
pub fn no_second_attempt_without_proof(run: &Run, plans: &Plans) -> Result<(), Violation> {
    for (index, state) in run.steps.iter().enumerate().filter(|(_, state)| state.attempts.len() > 1) {
        let name = scope::name(run, plans, index);
        let by_word = run.timeline.iter().any(|record| {
            matches!(&record.event, Event::StepDecided { step, choice, .. } if name.starts_with(step.as_str())
                && matches!(choice, Choice::Resolve(_) | Choice::Retry))
        });
        for pair in state.attempts.windows(2).filter(|pair| pair[0].direction == pair[1].direction) {
            let attempt = &pair[0];
            let work = scope::work(run, plans, index);
            let same = attempt.direction == state.direction;
            let proven = attempt.idempotent
                || attempt.disproven
                || attempt.begun.is_none()
                || attempt.outcome == Some(Outcome::Failed)
                || ((attempt.gone || work.fenced) && work.probe.is_some());
            if same && !work.idempotent && !proven && !by_word {
                return Err(format!(
                    "{}/{name}: attempt {} was followed without proof",
                    run.id, attempt.number
                ));
            }
        }
    }
    Ok(())
}

/// P6, INV4: of one step, every token is larger than the one before.
pub fn tokens_rise(run: &Run) -> Result<(), Violation> {
    for state in &run.steps {
        if state.attempts.windows(2).any(|pair| pair[0].token >= pair[1].token) {
            return Err(format!("{}: tokens of a step do not rise", run.id));
        }
    }
    Ok(())
}

/// INV6: a run that has ended has nothing left to decide, and one that succeeded left nothing out.
pub fn ended_means_settled(run: &Run) -> Result<(), Violation> {
    if !run.status.has_ended() {
        return Ok(());
    }
    if let Some(state) = run.steps.iter().find(|state| !state.status.is_settled()) {
        return Err(format!("{} has ended with a step that is {}", run.id, state.status.word()));
    }
    // Inside of a step that was skipped, or that succeeded with a part of its items, there may be some.
    let own = run.steps.iter().filter(|state| state.origin.frame == 0 && state.origin.item.is_none());
    let incomplete = own.clone().any(|state| state.status == Status::Canceled);
    if run.status == RunStatus::Succeeded && incomplete {
        return Err(format!("{} succeeded with a canceled step", run.id));
    }
    Ok(())
}

/// The sets by which a run finds its steps say the same as the steps.
pub fn sets_mirror_statuses(run: &Run) -> Result<(), Violation> {
    let open: BTreeSet<_> = (0..run.steps.len()).filter(|index| run.steps[*index].status.is_open()).collect();
    let ready: BTreeSet<_> = (0..run.steps.len())
        .filter(|index| run.steps[*index].status == Status::Waiting && run.steps[*index].unmet == 0)
        .collect();
    let listed: BTreeSet<_> = run.ready.iter().map(|(_, index)| *index).collect();
    if open != run.open {
        return Err(format!("{}: open steps are {open:?}, listed {:?}", run.id, run.open));
    }
    if ready != listed {
        return Err(format!("{}: ready steps are {ready:?}, listed {listed:?}", run.id));
    }
    Ok(())
}

/// An attempt that is under way with an agent of this journal is held by it, and no other is.
pub fn open_attempts_are_held(state: &State, run: &Run) -> Result<(), Violation> {
    for step in &run.steps {
        for attempt in &step.attempts {
            let agent = state.agents.by_name.get(&attempt.speaker.agent);
            let same_journal = agent.filter(|agent| agent.join.speaker == *attempt.speaker);
            let held = same_journal.is_some_and(|agent| agent.open.contains_key(&attempt.token));
            let expected = attempt.is_under_way() && same_journal.is_some();
            if held != expected {
                return Err(format!(
                    "{}: token {} held: {held}, expected: {expected}",
                    run.id, attempt.token
                ));
            }
        }
    }
    Ok(())
}

/// P5, INV9: a run that works holds its locks; a step's locks and draws are in the books under its name, and nobody's
/// who has let go.
pub fn locks_and_draws_are_held(state: &State, run: &Run) -> Result<(), Violation> {
    let held = |name: &String, step: Option<usize>| {
        let lock = state.locks.by_name.get(name);
        lock.is_some_and(|lock| {
            lock.owner.run == run.id && (lock.owner.step == step || lock.owner.step.is_none())
        })
    };
    let holds = !run.queued && !run.status.has_ended();
    if let Some(name) = run.locks.iter().find(|name| holds && !held(name, None)) {
        return Err(format!("{} works without its lock {name}", run.id));
    }
    for (index, step) in run.steps.iter().enumerate() {
        if let Some(name) = step.locks.iter().find(|name| !held(name, Some(index))) {
            return Err(format!("{}: step {index} works without its lock {name}", run.id));
        }
        let needed = scope::step(run, &state.plans, index).draws.iter().find(|draw| {
            let known = state.resources.by_name.get(&draw.resource);
            let drawn = known.is_some_and(|known| known.drawn.contains_key(&(run.id.clone(), index)));
            let works = step.attempt().is_some_and(|attempt| attempt.is_under_way());
            drawn != works && (works || step.status != Status::InDoubt && !step.status.is_open())
        });
        if let Some(draw) = needed {
            return Err(format!("{}: step {index} and its draw on {} disagree", run.id, draw.resource));
        }
    }
    Ok(())
}

/// P5, INV9: every lock is held by a run that is under way, and the newest draw kept within the capacity.
pub fn books_of_scarcity(state: &State) -> Result<(), Violation> {
    for (name, lock) in &state.locks.by_name {
        let run = &state.runs[&lock.owner.run];
        let holds = match lock.owner.step {
            None => !run.queued && !run.status.has_ended() && run.locks.contains(name),
            Some(step) => run.steps[step].locks.contains(name),
        };
        if !holds {
            return Err(format!("lock {name} is in the books of {}, which does not hold it", run.id));
        }
    }
    for (name, resource) in &state.resources.by_name {
        if resource.set.is_none() && resource.total() > resource.capacity {
            return Err(format!("{} of {} {name} are drawn", resource.total(), resource.capacity));
        }
    }
    Ok(())
}

/// P5, INV9: no more attempts are under way than the limits of the plans that they are a part of.
pub fn limits_are_kept(run: &Run, plans: &Plans) -> Result<(), Violation> {
    for frame in 0..run.frames.len() {
        let limits = scope::version(run, plans, frame).plan.limits;
        let under_way = |in_region: Option<&str>| {
            let busy = run.open.iter().filter(|index| {
                let state = &run.steps[**index];
                state.current().is_some()
                    && !state.idle
                    && in_region.is_none_or(|region| state.region.as_deref() == Some(region))
                    && run.is_within(**index, frame)
            });
            busy.count() as u32
        };
        if limits.parallel.is_some_and(|limit| under_way(None) > limit) {
            return Err(format!("{}: more than {:?} steps are under way", run.id, limits.parallel));
        }
        let Some(limit) = limits.per_region else { continue };
        let mut regions = run.open.iter().filter_map(|index| run.steps[*index].region.as_deref());
        if let Some(region) = regions.find(|region| under_way(Some(region)) > limit) {
            return Err(format!("{}: more than {limit} steps are under way in {region}", run.id));
        }
    }
    Ok(())
}

/// P8, INV8: the timeline's numbers and chain have no gap.
pub fn timeline_is_whole(run: &Run) -> Result<(), Violation> {
    let mut before = 0;
    for (position, record) in run.timeline.iter().enumerate() {
        let link = Record::link(before, record.sequence, &record.at, &record.event);
        if record.sequence != position as u64 + 1 || record.digest != link {
            return Err(format!("{}: the timeline breaks at {}", run.id, record.sequence));
        }
        before = record.digest;
    }
    Ok(())
}

/// P5: no agent was granted more attempts that need a process than it has slots, unless it came back with fewer.
pub fn slots_are_kept(state: &State) -> Result<(), Violation> {
    for (name, agent) in &state.agents.by_name {
        let attempts = agent.open.iter().filter(|(token, (run, index))| {
            let run = &state.runs[run];
            let attempt = run.steps[*index].attempt();
            attempt.is_some_and(|attempt| attempt.token == **token)
                && scope::work(run, &state.plans, *index).action != Action::Noop
        });
        let attempts = attempts.count();
        if attempts > agent.join.slots.max(agent.most_slots) as usize {
            return Err(format!("agent {name} holds {attempts} attempts with {} slots", agent.join.slots));
        }
    }
    Ok(())
}

/// Who can be chosen is known as it is.
pub fn openings_mirror_agents(state: &State) -> Result<(), Violation> {
    match state.agents.openings == Openings::of(state.agents.by_name.values()) {
        true => Ok(()),
        false => Err(format!("{:?} is not what the agents are", state.agents.openings)),
    }
}

/// A free slot finds all whom it could help.
pub fn places_name_the_starved(state: &State) -> Result<(), Violation> {
    let now = Places::of(state.starved.iter().map(|id| &state.runs[id]));
    match state.places.agrees_with(&now) {
        true => Ok(()),
        false => Err(format!("{:?} is not where the starved are: {now:?}", state.places)),
    }
}

/// Nothing hangs on a run that has ended: it can be kept apart from the state (see [`crate::rest`]).
pub fn ended_is_at_rest(state: &State) -> Result<(), Violation> {
    let mut ended = state.runs.values().filter(|run| run.status.has_ended());
    match ended.find(|run| !state.is_at_rest(run)) {
        Some(run) => Err(format!("{} has ended, and something of it is under way still", run.id)),
        None => Ok(()),
    }
}

/// The state's own books: active runs, starts and alarms.
pub fn books_agree(state: &State) -> Result<(), Violation> {
    for (id, run) in &state.runs {
        if state.active.contains(id) == run.status.has_ended() {
            return Err(format!("{id} is {} and listed wrongly", run.status.word()));
        }
        if let Some(alarm_ms) = run.alarm_ms
            && !state.alarms.contains(&(alarm_ms, id.clone()))
        {
            return Err(format!("{id} has an alarm at {alarm_ms} that is not listed"));
        }
    }
    let alarms = state.runs.values().filter(|run| run.alarm_ms.is_some()).count();
    if alarms != state.alarms.len() || state.by_start.len() != state.runs.len() {
        return Err("the books list runs that are not there".into());
    }
    Ok(())
}
