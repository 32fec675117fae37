//! When a fault fires: at any moment, or on a state. The states are read off what agents leave in their folders, and off
//! what clients wait for; nothing inside of a coordinator is asked.

use std::time::{Duration, Instant};

use super::{Card, Site};
use crate::cluster::tree::{Stage, has_attempt};

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// Any.
    Now,
    /// A client waits for the answer to its start.
    Starting,
    /// An agent has an attempt at this stage.
    Attempt(Stage),
}

const PATIENCE: Duration = Duration::from_millis(2500);
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Waits for a card's moment. Says whether it came, and at which agent.
pub(crate) async fn until(site: &Site, card: &Card) -> (bool, Option<String>) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match card.when {
            Trigger::Now => return (true, None),
            Trigger::Starting if site.recorder.starting() > 0 => return (true, None),
            Trigger::Starting => {}
            Trigger::Attempt(stage) => {
                let mut agents = site.cluster.agents().filter(|node| node.pid().is_some());
                if let Some(agent) = agents.find(|node| has_attempt(&node.data_dir(), stage)) {
                    return (true, Some(agent.name.clone()));
                }
            }
        }
        if Instant::now() > deadline {
            return (false, None);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
