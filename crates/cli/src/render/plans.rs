//! Registered plans and step templates.

use baton_client::view::{Plan, PlanList, Registered, Template, TemplateList};
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

impl Data for TemplateList {
    fn table(&self) -> String {
        if self.templates.is_empty() {
            return "no step templates; register one with: baton plan register FILE\n".into();
        }
        let mut table = Table::new(&["TEMPLATE", "VERSION", "WITH", "OWNER", "REGISTERED", "DESCRIPTION"]);
        for template in &self.templates {
            let version = match template.template_version {
                0 => "built in".to_owned(),
                version => version.to_string(),
            };
            table.row([
                Cell::from(&template.template),
                Cell::from(version),
                Cell::from(template.params.join(", ")),
                Cell::from(template.owner.as_deref().unwrap_or("-")),
                Cell::from(template.registered_at.map_or("-".to_owned(), |time| time.to_string())),
                Cell::from(template.description.as_deref().unwrap_or_default()),
            ]);
        }
        table.text()
    }

    fn names(&self) -> Vec<String> {
        self.templates.iter().map(|template| template.template.clone()).collect()
    }
}

impl Data for Template {
    /// The text exactly as it was registered, so that it can be kept in a file.
    fn table(&self) -> String {
        self.source.clone()
    }

    fn names(&self) -> Vec<String> {
        vec![self.summary.template.clone()]
    }
}

impl Data for Registered {
    fn table(&self) -> String {
        let what = if self.unchanged { "is registered already, as" } else { "is registered as" };
        let kind = if self.kind == "StepTemplate" { "step template " } else { "" };
        format!("{kind}{} {what} version {}\n", self.plan.bold(), self.plan_version)
    }

    fn names(&self) -> Vec<String> {
        vec![self.plan.clone()]
    }
}
