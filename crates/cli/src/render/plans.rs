//! Registered plans.

use baton_client::view::{Plan, PlanList, Registered};
use owo_colors::OwoColorize;

use super::{Cell, Table};
use crate::output::Data;

impl Data for PlanList {
    fn table(&self) -> String {
        if self.plans.is_empty() {
            return "no plans; register one with: baton plan register FILE\n".into();
        }
        let mut table =
            Table::new(&["PLAN", "VERSION", "STEPS", "RUNS", "OWNER", "REGISTERED", "DESCRIPTION"]);
        for plan in &self.plans {
            table.row([
                Cell::from(&plan.plan),
                Cell::from(plan.plan_version.to_string()),
                Cell::from(plan.steps.to_string()),
                Cell::from(plan.runs.to_string()),
                Cell::from(plan.owner.as_deref().unwrap_or("-")),
                Cell::from(plan.registered_at.map_or("-".to_owned(), |time| time.to_string())),
                Cell::from(plan.description.as_deref().unwrap_or_default()),
            ]);
        }
        table.text()
    }

    fn names(&self) -> Vec<String> {
        self.plans.iter().map(|plan| plan.plan.clone()).collect()
    }
}

impl Data for Plan {
    /// The text exactly as it was registered, so that it can be kept in a file.
    fn table(&self) -> String {
        self.source.clone()
    }

    fn names(&self) -> Vec<String> {
        vec![self.summary.plan.clone()]
    }
}

impl Data for Registered {
    fn table(&self) -> String {
        let what = if self.unchanged { "is registered already, as" } else { "is registered as" };
        format!("{} {what} version {}\n", self.plan.bold(), self.plan_version)
    }

    fn names(&self) -> Vec<String> {
        vec![self.plan.clone()]
    }
}
