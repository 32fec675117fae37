//! When a fault fires: at any moment, or on a state. The states are read off what agents leave in their folders, off what
//! targets are doing, and off what clients wait for; nothing inside of a coordinator is asked.

use std::time::{Duration, Instant};

use super::{Card, Site};
use crate::cluster::tree::{Stage, has_attempt, keeps};
use crate::witness::acting::{self, Acting};

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// Any.
    Now,
    /// A client waits for the answer to its start.
    Starting,
    /// An agent has an attempt at this stage.
    Attempt(Stage),
    /// A step that must not be repeated has taken effect, and goes on.
    Applied,
    /// A step that can be asked for has begun and not taken effect, and its region has another agent that could ask.
    Unapplied,
}

const PATIENCE: Duration = Duration::from_millis(2500);
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Waits for a card's moment. Says whether it came, and at which agent.
pub(crate) async fn until(site: &Site, card: &Card) -> (bool, Option<String>) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let agent = match card.when {
            Trigger::Now => return (true, None),
            Trigger::Starting if site.recorder.starting() > 0 => return (true, None),
            Trigger::Starting => None,
            Trigger::Attempt(stage) => {
                let mut agents = site.cluster.agents().filter(|node| node.pid().is_some());
                agents.find(|node| has_attempt(&node.data_dir(), stage)).map(|node| node.name.clone())
            }
            Trigger::Applied => acts(site, |step| step.applied && step.class == "N"),
            Trigger::Unapplied => acts(site, |step| !step.applied && step.class == "P")
                .filter(|agent| site.cluster.colleagues(agent) > 0),
        };
        if agent.is_some() {
            return (true, agent);
        }
        if Instant::now() > deadline {
            return (false, None);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// The agent of a step that acts so.
fn acts(site: &Site, so: impl Fn(&Acting) -> bool) -> Option<String> {
    let steps = acting::now(&site.witness);
    let of = |step: &Acting| {
        let mut agents = site.cluster.agents().filter(|node| node.pid().is_some());
        agents.find(|node| keeps(&node.data_dir(), step.token)).map(|node| node.name.clone())
    };
    steps.iter().filter(|step| so(step)).find_map(of)
}
