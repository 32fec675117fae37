//! Who this member is, and which frames it takes from whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use baton_api::{Frame, IdentifyRequest};
use baton_storage::hard_state::Identity;
use baton_storage::log::Reached;
use baton_storage::position::Reach;
use baton_storage::sabotage::{self, Bug};

use super::types::Membership;

/// This member's identity and the cluster that it belongs to.
pub(crate) struct Standing {
    identity: Identity,
    cluster: RwLock<String>,
    /// Data folders that were seen to have forgotten what they had acknowledged.
    disowned: RwLock<BTreeSet<String>>,
    /// How far this member's own data reaches.
    reached: Arc<Reached>,
    /// The farthest that each other data folder was seen to reach: a member that was set back to an old copy cannot know
    /// by itself.
    memory: Mutex<BTreeMap<String, Reach>>,
}

/// Why a frame is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// It was meant for the data folder that this one replaced, or for another member.
    #[error(
        "this is member {id} with the data folder {own}, and the frame is for the data folder {addressee}: \
         a member whose data was lost must come back under a new id"
    )]
    Addressee { id: u64, own: String, addressee: String },
    /// Its sender belongs to another cluster.
    #[error("member {from} belongs to the cluster {theirs}, and this one to {own}")]
    Cluster { from: u64, theirs: String, own: String },
    /// Its sender is not the member that the membership knows under this id.
    #[error(
        "member {from} comes with the data folder {found}, and the membership knows it with {known}: \
         a member whose data was lost must come back under a new id"
    )]
    Sender { from: u64, found: String, known: String },
    /// Its log went back behind what it had acknowledged.
    #[error(
        "the data folder {incarnation} has forgotten entries that it had acknowledged: it was restored from an \
         old copy. Move it away and bring its member back under a new id"
    )]
    Disowned { incarnation: String },
}

impl Standing {
    pub(crate) fn new(identity: Identity, cluster: String, reached: Arc<Reached>) -> Self {
        Self {
            identity,
            cluster: RwLock::new(cluster),
            disowned: RwLock::default(),
            reached,
            memory: Mutex::default(),
        }
    }

    /// Of this member's data folder.
    pub(crate) fn incarnation(&self) -> &str {
        &self.identity.incarnation
    }

    /// How this member asks another who that is.
    pub(crate) fn introduction(&self) -> IdentifyRequest {
        IdentifyRequest { from: self.identity.node, incarnation: self.identity.incarnation.clone() }
    }

    /// The cluster's id; empty before the first start.
    pub(crate) fn cluster(&self) -> String {
        let cluster = self.cluster.read();
        cluster.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// To be called once the cluster is on disk.
    pub(crate) fn join(&self, cluster: String) {
        let mut own = self.cluster.write().unwrap_or_else(PoisonError::into_inner);
        *own = cluster;
    }

    /// Neither talks to this data folder any more nor listens to it.
    pub(crate) fn disown(&self, incarnation: &str) {
        if sabotage::planted(Bug::EmptyDataDir) {
            return;
        }
        let mut disowned = self.disowned.write().unwrap_or_else(PoisonError::into_inner);
        disowned.insert(incarnation.to_owned());
    }

    /// # Errors
    /// [`Refusal::Disowned`] if this data folder was found to have forgotten something.
    pub(crate) fn trusts(&self, incarnation: &str) -> Result<(), Refusal> {
        let disowned = self.disowned.read().unwrap_or_else(PoisonError::into_inner);
        match disowned.contains(incarnation) {
            true => Err(Refusal::Disowned { incarnation: incarnation.to_owned() }),
            false => Ok(()),
        }
    }

    /// How far this member's own data reaches.
    pub(crate) fn reach(&self) -> Reach {
        self.reached.get()
    }

    /// Notes how far the sender's data reaches.
    pub(crate) fn remember(&self, frame: &Frame) {
        let Some(reach) = frame.reach else { return };
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let known = memory.entry(frame.incarnation.clone()).or_default();
        *known = (*known).max(Reach { term: reach.term, index: reach.index });
    }

    /// The farthest that a data folder was seen to reach, for its own member to compare.
    pub(crate) fn recall(&self, incarnation: &str) -> Option<Reach> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.get(incarnation).copied()
    }

    /// A frame from this member to the one with the data folder `to`.
    pub(crate) fn frame(&self, to: &str, body: Vec<u8>) -> Frame {
        Frame {
            from: self.identity.node,
            incarnation: self.identity.incarnation.clone(),
            cluster: self.cluster(),
            body,
            to: to.to_owned(),
            reach: Some(wire_reach(self.reach())),
        }
    }

    /// Checks a frame that has come in. A member without a cluster takes the frame's: only a
    /// membership that names this data folder can have addressed it.
    ///
    /// # Errors
    /// As [`Refusal`].
    pub(crate) fn check(&self, frame: &Frame, membership: &Membership) -> Result<(), Refusal> {
        self.trusts(&frame.incarnation)?;
        if sabotage::planted(Bug::EmptyDataDir) {
            return Ok(());
        }
        if frame.to != self.identity.incarnation {
            return Err(Refusal::Addressee {
                id: self.identity.node,
                own: self.identity.incarnation.clone(),
                addressee: frame.to.clone(),
            });
        }
        let own = self.cluster();
        if !own.is_empty() && frame.cluster != own {
            return Err(Refusal::Cluster { from: frame.from, theirs: frame.cluster.clone(), own });
        }
        match membership.get_node(&frame.from) {
            Some(known) if known.incarnation != frame.incarnation => Err(Refusal::Sender {
                from: frame.from,
                found: frame.incarnation.clone(),
                known: known.incarnation.clone(),
            }),
            // A membership that this member has not heard of yet may name the sender.
            _ => Ok(()),
        }
    }
}

pub(crate) fn wire_reach(reach: Reach) -> baton_api::Reach {
    baton_api::Reach { term: reach.term, index: reach.index }
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
