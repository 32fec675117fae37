//! Who belongs to the cluster, and how that changes while it runs. One change at a time, by the leader.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use openraft::ChangeMembers;
use openraft::async_runtime::WatchReceiver;
use openraft::errors::{ClientWriteError, RaftError};
use tokio::time::timeout;

use super::cluster::Cluster;
use super::types::*;

/// How long a new member may take to say who it is.
const IDENTIFY_WITHIN: Duration = Duration::from_secs(2);
/// How long a change may take before its outcome counts as not known.
const CHANGE_WITHIN: Duration = Duration::from_secs(8);
/// A learner may be so many entries behind when it becomes a voter: what comes in while it is asked, and no more. One
/// that is further behind would be a voter that cannot help to commit anything.
const NEARLY_CAUGHT_UP: u64 = 100;

/// Why the members were not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error("this coordinator does not lead")]
    NotLeader,
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Refused(String),
    #[error("no quorum has answered: {0}")]
    Unknown(String),
}

type Changed = Result<(), ChangeError>;

fn refused<T>(text: String) -> Result<T, ChangeError> {
    Err(ChangeError::Refused(text))
}

impl Cluster {
    /// Takes a coordinator in as a learner: it gets the log and has no vote.
    pub(crate) async fn add_member(&self, id: u64, region: String, address: String) -> Changed {
        let _one_at_a_time = self.0.changing.lock().await;
        if self.machine().read(|state| state.retired.contains(&id)) {
            return refused(format!(
                "id {id} was removed from this cluster once, and is never used again: choose another"
            ));
        }
        let found = self.0.peers.identify(self.0.standing.introduction(), &address, IDENTIFY_WITHIN).await;
        let Some(found) = found else {
            return refused(format!(
                "no coordinator answers at {address}: start it there first, with `baton server --id {id} --region \
                 {region} --join {} …`",
                self.0.config.advertise
            ));
        };
        if (found.id, &found.region) != (id, &region) {
            return refused(format!(
                "at {address} answers coordinator {} in region {}, not {id} in {region}",
                found.id, found.region
            ));
        }
        let member = Member { address, region, incarnation: found.incarnation };
        let membership = self.membership();
        match membership.get_node(&id) {
            Some(known) if *known == member => return Ok(()),
            Some(known) => {
                return refused(format!(
                    "id {id} belongs to the member at {} with another data folder: choose another id",
                    known.address
                ));
            }
            None => {}
        }
        let own = self.standing().cluster();
        if !found.cluster.is_empty() && found.cluster != own {
            return refused(format!(
                "the data folder of coordinator {id} belongs to the cluster {}, and this is {own}: start it with an \
                 empty one",
                found.cluster
            ));
        }
        let changed = timeout(CHANGE_WITHIN, self.raft().add_learner(id, member, false)).await;
        outcome(changed)
    }

    /// Gives a learner that is caught up a vote.
    pub(crate) async fn promote_member(&self, id: u64) -> Changed {
        let _one_at_a_time = self.0.changing.lock().await;
        let membership = self.membership();
        if membership.get_node(&id).is_none() {
            return Err(not_found(id));
        }
        let voters = membership.get_joint_config();
        if voters.iter().all(|voters| voters.contains(&id)) {
            return Ok(());
        }
        let metrics = self.raft().metrics().borrow_watched().clone();
        let last = metrics.last_log_index.unwrap_or(0);
        let matched = metrics.replication.and_then(|all| all.get(&id).copied().flatten()).map(|at| at.index);
        if matched.is_none_or(|matched| matched + NEARLY_CAUGHT_UP < last) {
            return refused(format!(
                "member {id} is too far behind to vote: it has {} of {last} log entries; `baton cluster status` shows \
                 when it has caught up",
                matched.unwrap_or(0)
            ));
        }
        self.change(ChangeMembers::AddVoterIds([id].into()), true).await
    }

    /// Whether a member can be removed without losing the quorum; and, if it leads, hands over first.
    pub(crate) async fn may_remove(&self, id: u64) -> Changed {
        let membership = self.membership();
        if membership.get_node(&id).is_none() {
            return match self.machine().read(|state| state.retired.contains(&id)) {
                true => Ok(()),
                false => Err(not_found(id)),
            };
        }
        let rest: BTreeSet<u64> = membership.voter_ids().filter(|voter| *voter != id).collect();
        if rest.is_empty() {
            return refused(format!(
                "member {id} is the only one with a vote: add and promote another first"
            ));
        }
        let answers = rest.iter().map(async |voter| match membership.get_node(voter) {
            Some(member) => self.reach(*voter, member).await.is_some(),
            None => false,
        });
        let answering =
            futures::future::join_all(answers).await.into_iter().filter(|answers| *answers).count();
        if 2 * answering <= rest.len() {
            return refused(format!(
                "without member {id}, {answering} of the {} members with a vote would answer, which is no majority: bring \
                 back or replace another first",
                rest.len()
            ));
        }
        if id == self.0.config.id {
            self.transfer(None).await?;
            return Err(ChangeError::NotLeader);
        }
        Ok(())
    }

    /// Removes a member whose id was retired.
    pub(crate) async fn remove_member(&self, id: u64) -> Changed {
        let _one_at_a_time = self.0.changing.lock().await;
        let membership = self.membership();
        if membership.get_node(&id).is_none() {
            return Ok(());
        }
        if membership.voter_ids().any(|voter| voter == id) {
            self.change(ChangeMembers::RemoveVoters([id].into()), false).await
        } else {
            self.change(ChangeMembers::RemoveNodes([id].into()), false).await
        }
    }

    /// Hands leadership over, to one member or to the most caught-up one, and waits until another leads.
    pub(crate) async fn transfer(&self, to: Option<u64>) -> Changed {
        let membership = self.membership();
        let to = match to {
            Some(id) if membership.get_node(&id).is_none() => return Err(not_found(id)),
            Some(id) if !membership.voter_ids().any(|voter| voter == id) => {
                return refused(format!("member {id} is a learner, which cannot lead: promote it first"));
            }
            Some(id) => self.can_succeed(id).await.then_some(id).ok_or_else(|| {
                ChangeError::Refused(format!(
                    "member {id} does not answer, or does not have all of the log yet"
                ))
            })?,
            None => match self.successor().await {
                Some(id) => id,
                None => {
                    return refused(
                        "no other member answers and has all of the log: nobody could take over".into(),
                    );
                }
            },
        };
        if to == self.0.config.id {
            return Ok(());
        }
        let asked = self.raft().trigger().transfer_leader(to).await;
        asked.map_err(|error| ChangeError::Unknown(error.to_string()))?;
        self.another_leads().await;
        match self.leadership().borrow().leads {
            true => refused(format!("member {to} did not take over; this one leads on")),
            false => Ok(()),
        }
    }

    async fn change(&self, change: ChangeMembers<u64, Member>, retain: bool) -> Changed {
        outcome(timeout(CHANGE_WITHIN, self.raft().change_membership(change, retain)).await)
    }

    /// Where the members are, for those who look for the leader.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let membership = self.membership();
        let addresses: BTreeMap<u64, String> =
            membership.nodes().map(|(id, member)| (*id, member.address.clone())).collect();
        addresses.into_values().collect()
    }

    /// Completes when this member has been removed from its cluster, with a sentence about it.
    pub(crate) async fn removed(&self) -> anyhow::Error {
        let id = self.0.config.id;
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let membership = self.membership();
            // A new member reads the log from its beginning, where it is not named yet: only the retired id counts.
            let retired = self.machine().read(|state| state.retired.contains(&id));
            if retired && membership.get_node(&id).is_none() || self.is_retired_elsewhere(&membership).await {
                return anyhow::anyhow!(
                    "member {id} has been removed from the cluster, and its id is never used again: to bring the machine \
                     back, start it with another --id, an empty --data-dir and --join"
                );
            }
        }
    }

    /// A member that was removed while it was away, or in the last moment, is told by the others.
    async fn is_retired_elsewhere(&self, membership: &Membership) -> bool {
        // A removed member hears nothing more, so what it believes of the leader says nothing.
        if self.leadership().borrow().leads {
            return false;
        }
        let (own, cluster) = (self.0.config.id, self.standing().cluster());
        let others = membership.nodes().filter(|(id, _)| **id != own);
        let asked = others.map(async |(_, member)| {
            self.0.peers.identify(self.0.standing.introduction(), &member.address, IDENTIFY_WITHIN).await
        });
        let answers = futures::future::join_all(asked).await;
        answers.into_iter().flatten().any(|other| {
            let member = other.members.iter().any(|known| known.id == own);
            other.cluster == cluster && !member && other.retired.contains(&own)
        })
    }
}

fn not_found(id: u64) -> ChangeError {
    ChangeError::NotFound(format!("the cluster has no member {id}; `baton cluster status` shows them"))
}

fn outcome<T>(
    changed: Result<Result<T, RaftError<Types, ClientWriteError<Types>>>, tokio::time::error::Elapsed>,
) -> Changed {
    match changed {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_)))) => Err(ChangeError::NotLeader),
        Ok(Err(RaftError::APIError(ClientWriteError::ChangeMembershipError(error)))) => {
            refused(format!("the members cannot be changed so, or not now: {error}"))
        }
        Ok(Err(error)) => Err(ChangeError::Unknown(error.to_string())),
        Err(_) => Err(ChangeError::Unknown(format!("within {} s", CHANGE_WITHIN.as_secs()))),
    }
}
