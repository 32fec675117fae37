//! What runs share: agents, regions, locks and resources.

use std::collections::{BTreeMap, BTreeSet};

use baton_api as api;
use baton_engine::agents::Agent;
use baton_engine::locks::{Lock, Owner};
use baton_engine::run::Run;
use baton_engine::scope::{self, RunScope};
use baton_engine::step::Status;
use baton_engine::{State, resources::Resource};
use baton_plan::plan::StepIndex;

/// Every agent that the cluster knows.
pub(crate) fn agents(state: &State) -> Vec<api::AgentView> {
    let agents = state.agents.by_name.values();
    let view = |agent: &Agent| api::AgentView {
        name: agent.join.speaker.agent.clone(),
        region: agent.join.region.clone(),
        status: if agent.live { "live" } else { "silent" }.into(),
        running: agent.open.len() as u32,
        slots: agent.join.slots,
        labels: agent.join.labels.clone(),
    };
    agents.map(view).collect()
}

/// Every region in which anybody stands, or that was declared lost. `members` are the coordinators.
pub(crate) fn regions(state: &State, members: &[(u64, String)], leader: Option<u64>) -> Vec<api::RegionView> {
    let mut regions = BTreeMap::<String, api::RegionView>::new();
    for (id, region) in members {
        let region = regions.entry(region.clone()).or_default();
        region.members.push(*id);
        region.leads |= leader == Some(*id);
    }
    for agent in state.agents.by_name.values() {
        let region = regions.entry(agent.join.region.clone()).or_default();
        region.running += agent.open.len() as u32;
        match agent.live {
            true => {
                (region.agents_live, region.slots) = (region.agents_live + 1, region.slots + agent.join.slots)
            }
            false => region.agents_silent += 1,
        }
    }
    for (name, lost) in &state.lost {
        let region = regions.entry(name.clone()).or_default();
        (region.lost, region.lost_since_ms) = (true, lost.at.stamp.wall_ms);
        (region.lost_by, region.reason) = (lost.operator.clone(), lost.reason.clone());
    }
    regions.into_iter().map(|(name, region)| api::RegionView { name, ..region }).collect()
}

/// Every lock that is held, with the runs that wait for it.
pub(crate) fn locks(state: &State, now_ms: u64) -> Vec<api::LockView> {
    let mut waiting = BTreeMap::<String, BTreeSet<String>>::new();
    for id in &state.active {
        for name in awaited_by(state, &state.runs[id]) {
            waiting.entry(name).or_default().insert(id.clone());
        }
    }
    let locks = state.locks.by_name.iter();
    let view = |(name, held): (&String, &Lock)| api::LockView {
        waiting: waiting.remove(name).unwrap_or_default().into_iter().collect(),
        ..lock(state, name, held, now_ms)
    };
    locks.map(view).collect()
}

fn lock(state: &State, name: &str, lock: &Lock, now_ms: u64) -> api::LockView {
    let holder = state.runs.get(&lock.owner.run);
    api::LockView {
        name: name.to_owned(),
        run: lock.owner.run.clone(),
        step: lock.step.clone().unwrap_or_default(),
        held_ms: now_ms.saturating_sub(lock.since.stamp.time_ms),
        since_ms: lock.since.stamp.wall_ms,
        operator: holder.map(|run| run.operator.clone()).unwrap_or_default(),
        waiting: Vec::new(),
    }
}

/// Those of the names that keep this owner waiting.
pub(super) fn held_by_others(
    state: &State,
    names: &[String],
    owner: &Owner,
    now_ms: u64,
) -> Vec<api::LockView> {
    let foreign =
        names.iter().filter_map(|name| state.locks.hindrance(std::slice::from_ref(name), |one| one == owner));
    foreign.map(|(name, held)| lock(state, name, held, now_ms)).collect()
}

/// Every lock that somebody else holds and the run, or one of its steps, waits for.
fn awaited_by(state: &State, run: &Run) -> Vec<String> {
    let foreign = |names: &[String], step| {
        let owner = Owner { run: run.id.clone(), step };
        let one = |name: &&String| {
            state.locks.hindrance(std::slice::from_ref(*name), |one| *one == owner).is_some()
        };
        names.iter().filter(one).cloned().collect::<Vec<_>>()
    };
    if run.queued {
        return foreign(&run.locks, None);
    }
    let ready = run.ready.iter().map(|(_, index)| *index).chain(run.undoing.iter().copied());
    ready.flat_map(|index| foreign(&awaited(state, run, index), Some(index))).collect()
}

/// The locks that a step takes when it begins, where it could begin now. Names that cannot be told yet are left out.
pub(super) fn awaited(state: &State, run: &Run, index: StepIndex) -> Vec<String> {
    let seen = &run.steps[index];
    let could_begin = match seen.status {
        Status::Waiting => seen.unmet == 0 && !run.queued,
        Status::Undoing => seen.idle,
        _ => false,
    };
    let locks = &scope::step(run, &state.plans, index).locks;
    if !could_begin || !seen.locks.is_empty() {
        return Vec::new();
    }
    let scope = RunScope { run, plans: &state.plans, index };
    locks.iter().filter_map(|lock| lock.render(&scope).ok()).collect()
}

/// Every resource that a plan declares in its newest version, that is drawn on, or whose capacity somebody set.
pub(crate) fn resources(state: &State) -> Vec<api::ResourceView> {
    let mut views = BTreeMap::<String, api::ResourceView>::new();
    for version in state.plans.values().filter_map(|history| history.version(None)) {
        for declared in &version.plan.resources {
            let view = views.entry(declared.name.clone()).or_default();
            view.capacity = view.capacity.max(declared.capacity);
            view.plans.push(version.plan.name.clone());
        }
    }
    for (name, known) in &state.resources.by_name {
        let view = views.entry(name.clone()).or_default();
        (view.set_by_operator, view.drawn) = (known.set.is_some(), known.total());
        view.capacity =
            known.set.unwrap_or(if known.drawn.is_empty() { view.capacity } else { known.capacity });
        view.holders = holders(state, known);
    }
    views.into_iter().map(|(name, view)| api::ResourceView { name, ..view }).collect()
}

fn holders(state: &State, resource: &Resource) -> Vec<api::HolderView> {
    let view = |((run, index), units): (&(String, StepIndex), &u32)| {
        let step = state.runs.get(run).map(|run| scope::name(run, &state.plans, *index));
        api::HolderView { run: run.clone(), step: step.unwrap_or_default(), units: *units }
    };
    resource.drawn.iter().map(view).collect()
}
