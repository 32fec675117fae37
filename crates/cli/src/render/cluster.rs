//! The cluster and its agents.

use std::fmt::Write;

use baton_client::view::{Agent, ClusterStatus};
use owo_colors::{OwoColorize, Style};
use serde::Serialize;

use super::{Cell, Table, style};
use crate::output::Data;

impl Data for ClusterStatus {
    fn table(&self) -> String {
        let mut page = match self.leader {
            Some(leader) => format!("{} leads, in term {}\n", format!("server {leader}").bold(), self.term),
            None => format!(
                "{} (term {}, says server {})\n",
                "nobody leads".red().bold(),
                self.term,
                self.answered_by
            ),
        };
        if let Some(region) = &self.preferred_region {
            let _ = writeln!(page, "the leader should be in {region}");
        }
        page.push('\n');
        page += &members(self);
        if !self.agents.is_empty() {
            let _ = write!(page, "\n{}", agents(&self.agents));
        }
        page
    }

    fn names(&self) -> Vec<String> {
        self.members.iter().map(|member| member.id.to_string()).collect()
    }
}

fn members(status: &ClusterStatus) -> String {
    let mut table = Table::new(&["SERVER", "REGION", "ADDRESS", "ROLE", "REACHABLE", "LOG", "APPLIED"]);
    for member in &status.members {
        let reachable = if member.reachable { ("yes", Style::new()) } else { ("no", Style::new().red()) };
        table.row([
            Cell::from(member.id.to_string()),
            Cell::from(&member.region),
            Cell::from(&member.address),
            Cell::new(&member.role, style(&member.role)),
            Cell::new(reachable.0, reachable.1),
            Cell::from(known(member.last_log)),
            Cell::from(known(member.applied)),
        ]);
    }
    table.text()
}

/// What a member that does not answer has, nobody knows.
fn known(index: Option<u64>) -> String {
    index.map_or_else(|| "-".to_owned(), |index| index.to_string())
}

fn agents(agents: &[Agent]) -> String {
    let mut table = Table::new(&["AGENT", "REGION", "STATUS", "RUNNING", "SLOTS", "LABELS"]);
    for agent in agents {
        let labels: Vec<_> = agent.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        table.row([
            Cell::from(&agent.name),
            Cell::from(&agent.region),
            Cell::new(&agent.status, style(&agent.status)),
            Cell::from(agent.running.to_string()),
            Cell::from(agent.slots.to_string()),
            Cell::from(labels.join(",")),
        ]);
    }
    table.text()
}

/// The agents of a cluster.
#[derive(Debug, Serialize)]
pub(crate) struct AgentList {
    agents: Vec<Agent>,
}

impl From<ClusterStatus> for AgentList {
    fn from(status: ClusterStatus) -> Self {
        Self { agents: status.agents }
    }
}

impl Data for AgentList {
    fn table(&self) -> String {
        if self.agents.is_empty() { "no agents\n".into() } else { agents(&self.agents) }
    }

    fn names(&self) -> Vec<String> {
        self.agents.iter().map(|agent| agent.name.clone()).collect()
    }
}
