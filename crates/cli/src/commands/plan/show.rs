//! `baton plan show`: what a plan will do, as it was understood.

use std::fmt::Write;

use baton_plan::plan::{Action, Plan, Step, Work};
use serde::Serialize;

use crate::connection::Connection;
use crate::failure::{Exit, Failure};
use crate::output::{self, Data, Output};
use crate::plan_file::{Named, as_carried_out, named, sound_plan};
use crate::render::{Cell, Table};

/// What a child plan without a timeout of its own has.
const UNLIMITED_MS: u64 = 366 * 24 * 3600 * 1000;

/// Flags of `baton plan show`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A registered plan's name, or NAME@VERSION, or a file
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
        Named::File(file) => {
            let cluster = arguments.connection.client_if_named()?;
            let (_, checked) = sound_plan(&file, cluster.as_ref(), arguments.output.format).await?;
            Shown { plan_version: None, plan: checked.plan }
        }
        Named::Registered { name, version } => {
            let version = arguments.plan_version.or(version);
            let registered = arguments.connection.client()?.get_plan(&name, version, false).await?;
            let plan = as_carried_out(&registered)?;
            Shown { plan_version: Some(registered.summary.plan_version), plan }
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
        line("rto", plan.recovery.rto_ms().map(written));
        line("clock stops", plan.recovery.stop().map(|stop| plan.steps[stop].name.clone()));
        line("rpo", plan.rpo_ms.map(written));
        let params: Vec<_> = plan.params.iter().map(|param| param.name.clone()).collect();
        line("params", listed(&params));
        let locks: Vec<_> = plan.locks.iter().map(ToString::to_string).collect();
        line("locks", listed(&locks));
        let resources = plan.resources.iter().map(|one| format!("{} {}", one.name, one.capacity));
        line("resources", listed(&resources.collect::<Vec<_>>()));
        format!("{page}\n\n{}", steps(plan))
    }

    fn names(&self) -> Vec<String> {
        vec![self.plan.name.clone()]
    }
}

fn listed(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| names.join(", "))
}

fn steps(plan: &Plan) -> String {
    let mut table = Table::new(&["STEP", "DOES", "REPEATABLE", "UNDO", "TIMEOUT", "NEEDS"]);
    for step in &plan.steps {
        let needs: Vec<_> = step.needs.iter().filter_map(|index| plan.steps.get(*index)).collect();
        let needs: Vec<_> = needs.iter().map(|step| step.name.as_str()).collect();
        table.row([
            Cell::from(&step.name),
            Cell::from(does(step)),
            Cell::from(repeatable(&step.work)),
            Cell::from(step.undo.as_ref().map_or("-", |undo| undo.action.word())),
            Cell::from(timeout(&step.work)),
            Cell::from(needs.join(", ")),
        ]);
    }
    table.text()
}

fn does(step: &Step) -> String {
    let kind = step.work.action.word();
    let by = step.uses.as_ref().map(|uses| format!(" by {}", uses.name)).unwrap_or_default();
    let each = if step.for_each.is_some() { " for each item" } else { "" };
    format!("{kind}{by}{each}")
}

/// What the system may do when it does not know whether the step has happened.
fn repeatable(work: &Work) -> &'static str {
    match (work.idempotent, &work.probe) {
        (true, _) => "yes",
        (false, Some(_)) => "asks its probe first",
        (false, None) => "never",
    }
}

/// How long an attempt may take, or people, a gate or a barrier may wait; those mostly wait until somebody decides.
fn timeout(work: &Work) -> String {
    let ms = match &work.action {
        Action::Approval(approval) => approval.timeout_ms,
        Action::Manual(manual) => manual.timeout_ms,
        Action::Gate(gate) => gate.timeout_ms,
        Action::Barrier(barrier) => barrier.timeout_ms,
        Action::WaitFor(ms) => Some(*ms),
        Action::Child(_) => Some(work.timeout_ms).filter(|ms| *ms < UNLIMITED_MS),
        _ => Some(work.timeout_ms),
    };
    ms.map_or_else(|| "-".to_owned(), baton_plan::duration::written)
}
