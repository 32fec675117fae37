//! The laws that every state obeys, one function each. Unit tests, the simulator and debug builds
//! (after every apply) check these very functions.

use std::collections::BTreeSet;

use crate::chain;
use crate::event::Record;
use crate::plans::PlanVersion;
use crate::run::{Run, Status as RunStatus};
use crate::state::State;
use crate::step::{Outcome, Status};

/// One broken law, as a sentence.
pub type Violation = String;

/// Every law, over every run.
pub fn check(state: &State) -> Result<(), Violation> {
    books_agree(state)?;
    slots_are_kept(state)?;
    state.runs.values().try_for_each(|run| check_run(state, run))
}

/// The laws of the runs that the entry at `index` changed, and of the agents.
pub fn check_touched(state: &State, index: u64) -> Result<(), Violation> {
    slots_are_kept(state)?;
    let touched = state.active.iter().filter_map(|id| state.runs.get(id));
    touched
        .filter(|run| run.changed == index && run.steps.len() < 200)
        .try_for_each(|run| check_run(state, run))
}

fn check_run(state: &State, run: &Run) -> Result<(), Violation> {
    let version = state.version_of(run);
    order_of_the_graph(run, &version)?;
    at_most_one_attempt_may_act(run, &version)?;
    no_second_attempt_without_proof(run, &version)?;
    tokens_rise(run)?;
    ended_means_settled(run)?;
    sets_mirror_statuses(run)?;
    open_attempts_are_held(state, run)?;
    timeline_is_whole(run)
}

/// P3, INV5: nothing begins before everything that it needs is done.
pub fn order_of_the_graph(run: &Run, version: &PlanVersion) -> Result<(), Violation> {
    for (step, state) in version.plan.steps.iter().zip(&run.steps) {
        let done = |need: &&usize| {
            let state = &run.steps[**need];
            let optional = version.plan.steps[**need].optional;
            matches!(state.status, Status::Succeeded | Status::Skipped)
                || (optional && state.status == Status::Failed)
        };
        let unmet = step.needs.iter().filter(|need| !done(need)).count();
        if unmet != state.unmet {
            return Err(format!(
                "{}/{}: {} needs are unmet, the state says {}",
                run.id, step.name, unmet, state.unmet
            ));
        }
        if unmet > 0 && !state.attempts.is_empty() {
            return Err(format!("{}/{} was attempted before what it needs was done", run.id, step.name));
        }
    }
    Ok(())
}

/// P1: an earlier attempt has always ended before a later one is granted.
pub fn at_most_one_attempt_may_act(run: &Run, version: &PlanVersion) -> Result<(), Violation> {
    for (step, state) in version.plan.steps.iter().zip(&run.steps) {
        let earlier = state.attempts.split_last().map_or(&[][..], |(_, earlier)| earlier);
        if let Some(attempt) = earlier.iter().find(|attempt| attempt.is_under_way()) {
            return Err(format!(
                "{}/{}: attempt {} is under way beside a later one",
                run.id, step.name, attempt.number
            ));
        }
    }
    Ok(())
}

/// P1, INV1: a step that is not idempotent got another attempt only after one that provably did
/// not take effect: never begun, failed by its own word, gone, fenced, or by an operator's word.
pub fn no_second_attempt_without_proof(run: &Run, version: &PlanVersion) -> Result<(), Violation> {
    for (step, state) in version.plan.steps.iter().zip(&run.steps).filter(|(step, _)| !step.idempotent) {
        let resolved = run.timeline.iter().any(|record| {
            matches!(&record.event, crate::event::Event::StepResolved { step: name, .. } if *name == step.name)
        });
        let earlier = state.attempts.split_last().map_or(&[][..], |(_, earlier)| earlier);
        for attempt in earlier {
            let proven = attempt.begun.is_none()
                || attempt.outcome == Some(Outcome::Failed)
                || ((attempt.gone || step.fenced) && step.probe.is_some());
            if !proven && !resolved {
                return Err(format!(
                    "{}/{}: attempt {} was followed without proof",
                    run.id, step.name, attempt.number
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
    let incomplete = run.steps.iter().any(|state| state.status == Status::Canceled);
    if run.status == RunStatus::Succeeded && incomplete {
        return Err(format!("{} succeeded with a canceled step", run.id));
    }
    Ok(())
}

/// The sets by which a run finds its steps say the same as the steps.
pub fn sets_mirror_statuses(run: &Run) -> Result<(), Violation> {
    let open: BTreeSet<_> = (0..run.steps.len())
        .filter(|index| {
            matches!(run.steps[*index].status, Status::Running | Status::Probing | Status::InDoubt)
        })
        .collect();
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
            let same_journal = agent.filter(|agent| agent.join.speaker == attempt.speaker);
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

/// P8, INV8: the timeline's numbers and chain have no gap.
pub fn timeline_is_whole(run: &Run) -> Result<(), Violation> {
    let mut before = 0;
    for (position, record) in run.timeline.iter().enumerate() {
        let line = Record::line(record.sequence, &record.at, &record.event);
        if record.sequence != position as u64 + 1 || record.digest != chain::link(before, &line) {
            return Err(format!("{}: the timeline breaks at {}", run.id, record.sequence));
        }
        before = record.digest;
    }
    Ok(())
}

/// P5: no agent was granted more attempts than it has slots, unless it came back with fewer.
pub fn slots_are_kept(state: &State) -> Result<(), Violation> {
    for (name, agent) in &state.agents.by_name {
        let attempts = agent.open.iter().filter(|(token, (run, index))| {
            let step = &state.runs[run].steps[*index];
            step.attempt().is_some_and(|attempt| attempt.token == **token)
        });
        let attempts = attempts.count();
        if attempts > agent.join.slots.max(agent.most_slots) as usize {
            return Err(format!("agent {name} holds {attempts} attempts with {} slots", agent.join.slots));
        }
    }
    Ok(())
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
