//! `baton plan show`: what a plan will do, as it was understood.

use std::fmt::Write;

use baton_plan::plan::{Action, Plan, Step};
use serde::Serialize;

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::output::{self, Data, Output};
use crate::plan_file::{self, Named, named};
use crate::render::{Cell, Table};

/// Flags of `baton plan show`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A registered plan's name, or a file
    plan: String,
    /// The version of a registered plan; the newest without it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    plan_version: Option<u32>,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    pub(super) output: Output,
}

/// A plan with every default filled in.
#[derive(Debug, Serialize)]
struct Shown {
    plan_version: Option<u32>,
    #[serde(flatten)]
    plan: Plan,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let shown = match named(&arguments.plan) {
        Named::File(file) => Shown { plan_version: None, plan: plan_file::sound(&file)?.1.plan },
        Named::Registered(name) => {
            let client = arguments.connection.client()?;
            let registered = client.get_plan(&name, arguments.plan_version, false).await?;
            let checked = baton_plan::check(&registered.source)
                .map_err(|problems| plan_file::invalid(&registered.source, &name, &problems))?;
            Shown { plan_version: Some(registered.summary.plan_version), plan: checked.plan }
        }
    };
    output::print(&shown, arguments.output)
}

impl Data for Shown {
    fn table(&self) -> String {
        let plan = &self.plan;
        let mut page = format!("plan       {}", plan.name);
        let mut line = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = write!(page, "\n{name:<10} {value}");
            }
        };
        let written = baton_plan::duration::written;
        line("version", self.plan_version.map(|version| version.to_string()));
        line("owner", plan.owner.clone());
        line("about", plan.description.clone());
        line("rto", plan.rto_ms.map(written));
        line("rpo", plan.rpo_ms.map(written));
        let params: Vec<_> = plan.params.iter().map(|param| param.name.clone()).collect();
        line("params", (!params.is_empty()).then(|| params.join(", ")));
        format!("{page}\n\n{}", steps(plan))
    }

    fn names(&self) -> Vec<String> {
        vec![self.plan.name.clone()]
    }
}

fn steps(plan: &Plan) -> String {
    let mut table = Table::new(&["STEP", "DOES", "REPEATABLE", "TIMEOUT", "NEEDS"]);
    for step in &plan.steps {
        let needs: Vec<_> = step.needs.iter().filter_map(|index| plan.steps.get(*index)).collect();
        let needs: Vec<_> = needs.iter().map(|step| step.name.as_str()).collect();
        table.row([
            Cell::from(&step.name),
            Cell::from(action(step)),
            Cell::from(repeatable(step)),
            Cell::from(baton_plan::duration::written(step.timeout_ms)),
            Cell::from(needs.join(", ")),
        ]);
    }
    table.text()
}

fn action(step: &Step) -> &'static str {
    match step.action {
        Action::Command(_) => "command",
        Action::Noop => "noop",
        Action::WaitFor(_) | Action::WaitUntil { .. } => "wait",
    }
}

/// What the system may do when it does not know whether the step has happened.
fn repeatable(step: &Step) -> &'static str {
    match (step.idempotent, &step.probe) {
        (true, _) => "yes",
        (false, Some(_)) => "asks its probe first",
        (false, None) => "never",
    }
}
