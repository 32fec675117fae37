//! What a member says of itself and of the others, and how it steps aside.

use std::future::Future;
use std::time::Duration;

use baton_api::{ClusterStatus, Identity, Known, MemberView};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use openraft::async_runtime::WatchReceiver;

use super::cluster::Cluster;
use super::types::*;
use crate::leader::preference::Candidate;

/// How long a member may take to answer before it counts as not reachable; where members are far apart, so many heartbeats.
const REACHABLE_WITHIN: Duration = Duration::from_millis(400);
const HEARTBEATS: u64 = 3;
/// How long a leader that stops looks for a successor.
const HAND_OVER_WITHIN: Duration = Duration::from_secs(3);
/// So many entries may still be on their way to a successor: it waits for them before it stands for election, and the
/// leader takes no more once it hands over. Under load there is no moment without one.
const ON_THEIR_WAY: u64 = 8;

impl Cluster {
    /// What this member says of itself.
    pub(crate) async fn identity(&self) -> Identity {
        let formed = self.is_formed().await.unwrap_or(false);
        let metrics = self.raft().metrics().borrow_watched().clone();
        let known = |(id, member): (&u64, &Member)| Known {
            id: *id,
            incarnation: member.incarnation.clone(),
            address: member.address.clone(),
            region: member.region.clone(),
        };
        let membership = metrics.membership_config.membership();
        Identity {
            id: self.0.config.id,
            region: self.0.config.region.clone(),
            incarnation: self.standing().incarnation().to_owned(),
            cluster: match formed {
                true => self.standing().cluster(),
                false => String::new(),
            },
            members: membership.nodes().map(known).collect(),
            last_log: metrics.last_log_index.unwrap_or(0),
            applied: metrics.last_applied.map_or(0, |last| last.index),
            remembered: None,
            retired: self.machine().read(|state| state.retired.iter().copied().collect()),
            running_ms: u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// The cluster as this member sees it; every other member is asked whether it is there. The
    /// agents are left for the caller to fill in.
    pub async fn status(&self) -> ClusterStatus {
        let leadership = self.leadership().borrow().clone();
        let leader = leadership.leader.map(|(id, _)| id);
        let membership = self.membership();
        let voters: Vec<u64> = membership.voter_ids().collect();
        let views = membership.nodes().map(async |(id, member)| {
            let answer = self.reach(*id, member).await;
            MemberView {
                id: *id,
                region: member.region.clone(),
                address: member.address.clone(),
                role: role(*id, leader, &voters).into(),
                reachable: answer.is_some(),
                last_log: answer.as_ref().map(|answer| answer.last_log),
                applied: answer.as_ref().map(|answer| answer.applied),
            }
        });
        let mut members = futures::future::join_all(views).await;
        let leader = leader.filter(|leader| leads(*leader, &members));
        if leader.is_none() {
            members.iter_mut().filter(|member| member.role == "leader").for_each(|member| {
                member.role = "follower".into();
            });
        }
        ClusterStatus {
            leader,
            term: leadership.term,
            members,
            agents: Vec::new(),
            cluster: self.standing().cluster(),
            answered_by: self.0.config.id,
            preferred_region: self.machine().read(|state| state.preferred_region.clone()),
        }
    }

    /// Steps aside before a clean stop: if this member leads, the most caught-up follower that
    /// answers takes over. Returns when one has, or when none can within three seconds.
    pub async fn hand_over(&self) {
        let handing = async {
            while self.leadership().borrow().leads {
                match self.successor().await {
                    Some(successor) if self.raft().trigger().transfer_leader(successor).await.is_ok() => {
                        tracing::info!(successor, "handing over leadership");
                        self.another_leads().await;
                    }
                    Some(_) => return,
                    None if self.is_alone().await => return,
                    None => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        if tokio::time::timeout(HAND_OVER_WITHIN, handing).await.is_err() {
            tracing::warn!("no follower took over leadership; the others will elect one");
        }
    }

    /// The members with a vote in a region that have as good as all of the log, and whether each could take over.
    pub(crate) async fn candidates(&self, region: &str) -> Vec<Candidate> {
        let there = self.caught_up().into_iter().filter(|(_, member)| member.region == region);
        let seen = there.map(async |(id, member)| {
            let answer = self.reach(id, &member).await;
            let running_ms = answer.as_ref().map_or(0, |answer| answer.running_ms);
            Candidate { id, fit: answer.is_some(), running: Duration::from_millis(running_ms) }
        });
        futures::future::join_all(seen).await
    }

    /// Whether a member could take over now.
    pub(super) async fn can_succeed(&self, id: u64) -> bool {
        id == self.0.config.id || self.successors().any(|found| std::future::ready(found == Some(id))).await
    }

    /// A follower that has as good as all of the log and answers, the quickest of them.
    pub(super) async fn successor(&self) -> Option<u64> {
        self.successors().filter_map(std::future::ready).next().await
    }

    /// Whether a follower can take over is known when it answers or does not.
    fn successors(&self) -> FuturesUnordered<impl Future<Output = Option<u64>>> {
        let members = self.caught_up().into_iter();
        members.map(|(id, member)| async move { self.reach(id, &member).await.map(|_| id) }).collect()
    }

    /// The other members with a vote that have as good as all of this leader's log.
    fn caught_up(&self) -> Vec<(u64, Member)> {
        let metrics = self.raft().metrics().borrow_watched().clone();
        let membership = metrics.membership_config.membership();
        let voters: Vec<u64> = membership.voter_ids().collect();
        let replication = metrics.replication.unwrap_or_default();
        let others = replication.iter().filter(|(id, _)| voters.contains(id) && **id != self.0.config.id);
        // Further behind it could not win, and the cluster would wait for nothing.
        let least = metrics.last_log_index.unwrap_or(0).saturating_sub(ON_THEIR_WAY);
        let caught_up = others.filter(|(_, matched)| matched.is_some_and(|at| at.index >= least));
        caught_up.filter_map(|(id, _)| Some((*id, membership.get_node(id)?.clone()))).collect()
    }

    /// No other member answers: they are being stopped as well, or gone.
    async fn is_alone(&self) -> bool {
        let membership = self.membership();
        let others = membership.nodes().filter(|(id, _)| **id != self.0.config.id);
        let answers = others.map(async |(id, member)| self.reach(*id, member).await);
        futures::future::join_all(answers).await.iter().all(Option::is_none)
    }

    pub(super) async fn another_leads(&self) {
        let own = self.0.config.id;
        let patience = Duration::from_millis(2 * self.0.config.election_ms.1);
        let mut leadership = self.leadership();
        let another =
            leadership.wait_for(|seen| !seen.leads && seen.leader.as_ref().is_some_and(|(id, _)| *id != own));
        // Too late or never: the caller looks again who leads.
        let _ = tokio::time::timeout(patience, another).await;
    }

    /// The member's answer, if it is the one that the membership means.
    pub(super) async fn reach(&self, id: u64, member: &Member) -> Option<Identity> {
        if id == self.0.config.id {
            return Some(self.identity().await);
        }
        let within = REACHABLE_WITHIN.max(Duration::from_millis(HEARTBEATS * self.0.config.heartbeat_ms));
        let answer = self.0.peers.identify(self.0.standing.introduction(), &member.address, within).await;
        answer.filter(|answer| answer.incarnation == member.incarnation)
    }
}

/// A leader that does not answer, or that no majority is left to follow, leads nobody: what this
/// member remembers of it would mislead in the very outage that it is asked about.
fn leads(leader: u64, members: &[MemberView]) -> bool {
    let voters = || members.iter().filter(|member| member.role != "learner");
    let reachable = voters().filter(|member| member.reachable).count();
    let answers = members.iter().any(|member| member.id == leader && member.reachable);
    answers && 2 * reachable > voters().count()
}

fn role(id: u64, leader: Option<u64>, voters: &[u64]) -> &'static str {
    if leader == Some(id) {
        "leader"
    } else if voters.contains(&id) {
        "follower"
    } else {
        "learner"
    }
}
