//! What became of a command, in a line.

use baton_client::view::{Decided, Started};
use owo_colors::OwoColorize;
use serde::Serialize;

use super::why::count;
use super::{printable, style};
use crate::output::Data;

impl Data for Started {
    fn table(&self) -> String {
        format!("{} started; follow it with: baton run watch {}\n", self.run.bold(), self.run)
    }

    fn names(&self) -> Vec<String> {
        vec![self.run.clone()]
    }
}

impl Data for Decided {
    fn table(&self) -> String {
        let reason =
            self.reason.as_ref().map(|reason| format!(": {}", printable(reason))).unwrap_or_default();
        let run = format!("{} is {}{reason}", self.run, self.status.style(style(&self.status)));
        match step(self) {
            Some(step) => format!("{step}; {run}\n"),
            None => format!("{run}\n"),
        }
    }

    fn names(&self) -> Vec<String> {
        vec![self.run.clone()]
    }
}

fn step(decided: &Decided) -> Option<String> {
    let (step, status) = (decided.step.as_ref()?, decided.step_status.as_ref()?);
    let pending = decided.approval.as_ref().filter(|_| status == "awaiting_approval");
    Some(match pending {
        Some(approval) => format!("{step} has {}", count(approval)),
        None => format!("{step} is {}", status.style(style(status))),
    })
}

/// A region that was declared lost, or takes part again.
#[derive(Debug, Serialize)]
pub(crate) struct RegionSettled {
    pub(crate) region: String,
    pub(crate) lost: bool,
    pub(crate) revision: u64,
}

impl Data for RegionSettled {
    fn table(&self) -> String {
        match self.lost {
            true => format!(
                "region {0} is declared lost: what ran there counts as ended. Should it come back: baton region \
                 restore {0}\n",
                self.region
            ),
            false => format!("region {} takes part again\n", self.region),
        }
    }

    fn names(&self) -> Vec<String> {
        vec![self.region.clone()]
    }
}

/// A capacity that was set, or given back to the plans.
#[derive(Debug, Serialize)]
pub(crate) struct CapacitySet {
    pub(crate) resource: String,
    pub(crate) capacity: Option<u32>,
    pub(crate) revision: u64,
}

impl Data for CapacitySet {
    fn table(&self) -> String {
        match self.capacity {
            Some(units) => format!("{} has a capacity of {units} in the whole cluster\n", self.resource),
            None => format!("{} has the capacity that the plans say\n", self.resource),
        }
    }

    fn names(&self) -> Vec<String> {
        vec![self.resource.clone()]
    }
}
