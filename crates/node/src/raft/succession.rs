//! What a follower does when its leader's line breaks off: the system cuts all connections of a process that dies. If the
//! leader's lease then runs out without another word, nobody has to wait for the lots that raft draws against a split
//! vote: the members stand for election one after the other. Raft decides as ever. While its lease lasts, a leader is not
//! challenged, so a line that broke for another reason changes nothing.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

use super::cluster::Cluster;
use super::leadership::Leadership;

/// So often a member stands: by then raft's own lots have been drawn. One that was busy may have been heard too late.
const TURNS: u32 = 5;

/// Held by whoever hears a leader's entries; tells when nobody does any more.
pub(crate) struct Line {
    cluster: Cluster,
    /// Who is heard, once something was.
    from: Option<u64>,
}

impl Line {
    /// To a member that has said nothing yet.
    pub(crate) fn new(cluster: Cluster) -> Self {
        Self { cluster, from: None }
    }

    /// It is this member's.
    pub(crate) fn heard(&mut self, from: u64) {
        self.from = Some(from);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let leadership = self.cluster.leadership().borrow().clone();
        // A runtime that is ending drops lines too, and nobody stands any more.
        if let (Some((leader, _)), Ok(runtime)) = (&leadership.leader, Handle::try_current())
            && self.from == Some(*leader)
        {
            runtime.spawn(succeed(self.cluster.clone(), *leader, leadership));
        }
    }
}

/// Stands for election whenever it is this member's turn, unless something is heard of a leader before.
async fn succeed(cluster: Cluster, leader: u64, before: Leadership) {
    let (first, each) = turns(&cluster, leader);
    let mut leadership = cluster.leadership();
    for turn in 0..TURNS {
        tokio::select! {
            () = sleep(if turn == 0 { first } else { each }) => {}
            // Another leads, or this member ends.
            _ = leadership.wait_for(|now| *now != before) => return,
        }
        if !cluster.is_short_of_room() {
            // Raft says itself why it has ended.
            let _ = cluster.raft().trigger().elect(true).await;
        }
    }
}

/// After how long the lease is over here and at the others and this member's turn has come; and when it comes again.
fn turns(cluster: &Cluster, leader: u64) -> (Duration, Duration) {
    let (config, members) = (&cluster.0.config, cluster.membership());
    let others: Vec<u64> = members.voter_ids().filter(|id| *id != leader).collect();
    let before = others.iter().filter(|id| **id < config.id).count();
    let heartbeat = Duration::from_millis(config.heartbeat_ms);
    let heartbeats = |count: usize| heartbeat * u32::try_from(count).unwrap_or(u32::MAX);
    let lease = Duration::from_millis(config.election_ms.1);
    (lease + heartbeat / 5 + heartbeats(before), heartbeats(others.len()))
}

#[cfg(test)]
#[path = "succession_tests.rs"]
mod tests;
