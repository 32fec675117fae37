//! Regions, locks and resources.

use baton_api as api;

use super::text;
use crate::view::{Holder, Lock, LockList, Lost, Region, RegionList, Resource, ResourceList, Time};

pub(crate) fn region_list(answer: api::ListRegionsResponse) -> RegionList {
    RegionList { regions: answer.regions.into_iter().map(region).collect(), revision: answer.revision }
}

fn region(region: api::RegionView) -> Region {
    let lost = Lost {
        since: Time::unless_zero(region.lost_since_ms),
        operator: region.lost_by,
        reason: region.reason,
    };
    Region {
        region: region.name,
        members: region.members,
        leads: region.leads,
        agents_live: region.agents_live,
        agents_silent: region.agents_silent,
        running: region.running,
        slots: region.slots,
        lost: region.lost.then_some(lost),
    }
}

pub(crate) fn lock_list(answer: api::ListLocksResponse) -> LockList {
    LockList { locks: answer.locks.into_iter().map(lock).collect(), revision: answer.revision }
}

pub(super) fn lock(lock: api::LockView) -> Lock {
    Lock {
        lock: lock.name,
        run: lock.run,
        step: text(lock.step),
        since: Time::unless_zero(lock.since_ms),
        held_ms: lock.held_ms,
        operator: lock.operator,
        waiting: lock.waiting,
    }
}

pub(crate) fn resource_list(answer: api::ListResourcesResponse) -> ResourceList {
    let resources = answer.resources.into_iter().map(resource);
    ResourceList { resources: resources.collect(), revision: answer.revision }
}

fn resource(resource: api::ResourceView) -> Resource {
    let holder = |holder: api::HolderView| Holder { run: holder.run, step: holder.step, units: holder.units };
    Resource {
        resource: resource.name,
        capacity: resource.capacity,
        set_by_operator: resource.set_by_operator,
        drawn: resource.drawn,
        holders: resource.holders.into_iter().map(holder).collect(),
        plans: resource.plans,
    }
}
