//! What runs share: regions, locks and resources.

use baton_client::view::{LockList, Region, RegionList, ResourceList};
use owo_colors::Style;

use super::{Cell, Table, printable, span};
use crate::output::Data;

impl Data for RegionList {
    fn table(&self) -> String {
        let mut table =
            Table::new(&["REGION", "SERVERS", "LEADS", "AGENTS LIVE", "RUNNING", "SLOTS", "LOST"]);
        for region in &self.regions {
            let servers: Vec<_> = region.members.iter().map(u64::to_string).collect();
            let style = if region.lost.is_some() { Style::new().red() } else { Style::new() };
            table.row([
                Cell::new(&region.region, style),
                Cell::from(if servers.is_empty() { "-".to_owned() } else { servers.join(",") }),
                Cell::from(if region.leads { "yes" } else { "" }),
                Cell::from(format!(
                    "{} of {}",
                    region.agents_live,
                    region.agents_live + region.agents_silent
                )),
                Cell::from(region.running.to_string()),
                Cell::from(region.slots.to_string()),
                Cell::new(lost(region), style),
            ]);
        }
        table.text()
    }

    fn names(&self) -> Vec<String> {
        self.regions.iter().map(|region| region.region.clone()).collect()
    }
}

fn lost(region: &Region) -> String {
    let Some(lost) = &region.lost else { return String::new() };
    let since = lost.since.map(|since| format!("since {since} ")).unwrap_or_default();
    format!("{since}by {}: {}", printable(&lost.operator), printable(&lost.reason))
}

impl Data for LockList {
    fn table(&self) -> String {
        if self.locks.is_empty() {
            return "no lock is held\n".into();
        }
        let mut table = Table::new(&["LOCK", "RUN", "STEP", "HELD FOR", "SINCE", "STARTED BY", "WAITING"]);
        for lock in &self.locks {
            let waiting = if lock.waiting.is_empty() { "-".to_owned() } else { lock.waiting.join(", ") };
            table.row([
                Cell::from(&lock.lock),
                Cell::from(&lock.run),
                Cell::from(lock.step.as_deref().unwrap_or("-")),
                Cell::from(span(lock.held_ms)),
                Cell::from(lock.since.map_or("-".to_owned(), |since| since.to_string())),
                Cell::from(&lock.operator),
                Cell::from(waiting),
            ]);
        }
        table.text()
    }

    fn names(&self) -> Vec<String> {
        self.locks.iter().map(|lock| lock.lock.clone()).collect()
    }
}

impl Data for ResourceList {
    fn table(&self) -> String {
        if self.resources.is_empty() {
            return "no resources: no plan declares one, and no operator set a capacity\n".into();
        }
        let mut table = Table::new(&["RESOURCE", "CAPACITY", "SET BY", "DRAWN", "HOLDERS", "PLANS"]);
        for resource in &self.resources {
            let holders = resource.holders.iter();
            let holders = holders.map(|holder| format!("{} {}: {}", holder.run, holder.step, holder.units));
            let holders: Vec<_> = holders.collect();
            table.row([
                Cell::from(&resource.resource),
                Cell::from(resource.capacity.to_string()),
                Cell::from(if resource.set_by_operator { "an operator" } else { "the plans" }),
                Cell::from(resource.drawn.to_string()),
                Cell::from(if holders.is_empty() { "-".to_owned() } else { holders.join(", ") }),
                Cell::from(if resource.plans.is_empty() {
                    "-".to_owned()
                } else {
                    resource.plans.join(", ")
                }),
            ]);
        }
        table.text()
    }

    fn names(&self) -> Vec<String> {
        self.resources.iter().map(|resource| resource.resource.clone()).collect()
    }
}
