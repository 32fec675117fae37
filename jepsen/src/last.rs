//! The state in which a test leaves the cluster, after everything was healed.

use std::collections::BTreeMap;

use baton_client::view::RunView;
use baton_client::{Client, Error, Filter};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::edn;

/// What the cluster says at the end.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Last {
    pub(crate) runs: Vec<Run>,
    /// Newest version of every plan.
    pub(crate) plans: BTreeMap<String, u64>,
    /// For each coordinator, asked by itself: the chain's end of each run.
    pub(crate) members: BTreeMap<String, BTreeMap<String, String>>,
}

/// One run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Run {
    pub(crate) run: String,
    pub(crate) plan: String,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) ended_at: Option<String>,
    pub(crate) needs_operator: bool,
    pub(crate) takeovers: u64,
    pub(crate) waits_for_locks: Vec<Value>,
    pub(crate) steps: Vec<Step>,
    pub(crate) events: Vec<Event>,
}

/// One step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Step {
    pub(crate) step: String,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) kind: String,
    /// Which way it goes now.
    pub(crate) direction: String,
    pub(crate) idempotent: bool,
    pub(crate) undoable: bool,
    pub(crate) needs: Vec<String>,
    pub(crate) attempts: Vec<Attempt>,
}

/// One attempt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Attempt {
    pub(crate) attempt: u64,
    pub(crate) token: u64,
    pub(crate) agent: Option<String>,
    pub(crate) direction: String,
    pub(crate) outcome: Option<String>,
    pub(crate) begun: bool,
}

/// One line of a timeline.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Event {
    pub(crate) sequence: u64,
    pub(crate) kind: String,
    pub(crate) step: Option<String>,
    pub(crate) text: String,
    pub(crate) revision: u64,
    pub(crate) digest: String,
}

impl Run {
    pub(crate) fn has_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    pub(crate) fn step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.step == name)
    }
}

/// Every run there is, the oldest first.
///
/// # Errors
/// Those of the client.
pub(crate) async fn runs(client: &Client) -> Result<Vec<RunView>, Error> {
    let mut names = Vec::new();
    let mut filter = Filter { limit: 200, ..Filter::default() };
    loop {
        let page = client.list_runs(&filter, false).await?;
        names.extend(page.runs.iter().map(|run| run.run.clone()));
        filter.after = names.last().cloned();
        if !page.more || filter.after.is_none() {
            break;
        }
    }
    let mut runs = Vec::new();
    for name in names.iter().rev() {
        runs.push(client.get_run(name, false).await?);
    }
    Ok(runs)
}

/// Asks the cluster, and then each coordinator by itself.
///
/// # Errors
/// Those of the client.
pub(crate) async fn collect(client: &Client) -> anyhow::Result<Last> {
    let mut last = Last::default();
    for seen in runs(client).await? {
        let mut run: Run = serde_json::from_value(serde_json::to_value(&seen)?)?;
        run.events = events(client, &run.run).await?;
        last.runs.push(run);
    }
    let plans = client.list_plans(false).await?;
    last.plans = plans.plans.iter().map(|plan| (plan.plan.clone(), u64::from(plan.plan_version))).collect();
    for server in client.servers() {
        let alone = Client::connect(&[server])?;
        let mut ends = BTreeMap::new();
        // The newest runs: what is older has been compared by everything that came after it.
        for run in last.runs.iter().rev().take(40) {
            let after = run.events.last().map_or(0, |event| event.sequence.saturating_sub(1));
            let Ok(page) = alone.get_events(&run.run, after, 10, true).await else { break };
            let end = page.events.last().map(|event| event.digest.clone());
            ends.insert(run.run.clone(), end.unwrap_or_default());
        }
        last.members.insert(server.clone(), ends);
    }
    Ok(last)
}

async fn events(client: &Client, run: &str) -> anyhow::Result<Vec<Event>> {
    let mut events: Vec<Event> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.sequence);
        let page = client.get_events(run, after, 1000, false).await?;
        for event in &page.events {
            events.push(serde_json::from_value(serde_json::to_value(event)?)?);
        }
        if !page.more {
            return Ok(events);
        }
    }
}

/// `last.edn`.
pub(crate) fn written(last: &Last) -> anyhow::Result<String> {
    Ok(edn::written(&serde_json::to_value(last)?))
}

/// Reads `last.edn`.
///
/// # Errors
/// If it is not EDN or not this.
pub(crate) fn read(text: &str) -> anyhow::Result<Last> {
    let value = edn::read_all(text)?.into_iter().next().unwrap_or_default();
    Ok(serde_json::from_value(value)?)
}
