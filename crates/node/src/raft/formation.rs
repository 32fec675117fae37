//! The first start: members that have never run together find each other, and exactly one of
//! them founds the cluster.

use std::collections::BTreeMap;

use baton_api::Identity;
use baton_storage::sabotage::{self, Bug};

use super::types::Member;

/// What an unformed member does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It must not take part: the cluster knows it with another data folder, or not at all.
    Refuse(String),
    /// These have to answer first.
    WaitFor(Vec<u64>),
    /// Everyone is there, and another member founds the cluster; or it is founded already.
    WaitForLeader,
    /// Somebody has to add this member to the cluster.
    WaitToBeAdded,
    /// Everyone is there, and it is this one's turn.
    Found(BTreeMap<u64, Member>),
}

/// Decides from what every member says of itself; `None` for one that does not answer. The
/// member's own identity is among the answers.
pub(crate) fn decide(
    id: u64,
    peers: &BTreeMap<u64, String>,
    answers: &BTreeMap<u64, Option<Identity>>,
) -> Step {
    let Some(own) = answers.get(&id).and_then(Option::as_ref) else {
        return Step::WaitFor(vec![id]);
    };
    let present = answers.values().flatten();
    let formed = |other: &&Identity| !other.cluster.is_empty();
    // A follower knows that it belongs to a cluster a moment before it knows who else does.
    if let Some(formed) = present.clone().filter(formed).find(|other| !other.members.is_empty()) {
        return join(own, formed);
    }
    if present.clone().any(|other| formed(&other)) {
        return Step::WaitForLeader;
    }
    let strangers = answers.iter().filter_map(|(id, other)| Some((id, other.as_ref()?)));
    if let Some((id, other)) = strangers.clone().find(|(id, other)| **id != other.id) {
        return Step::Refuse(format!(
            "--peers says that member {id} is at {}, where member {} answers: mend the list",
            peers[id], other.id
        ));
    }
    let missing: Vec<u64> =
        peers.keys().filter(|id| !answers.get(id).is_some_and(Option::is_some)).copied().collect();
    if !missing.is_empty() {
        return Step::WaitFor(missing);
    }
    if peers.keys().next() != Some(&id) {
        return Step::WaitForLeader;
    }
    let member = |(id, other): (&u64, &Identity)| {
        let member = Member {
            address: peers[id].clone(),
            region: other.region.clone(),
            incarnation: other.incarnation.clone(),
        };
        (*id, member)
    };
    Step::Found(strangers.map(member).collect())
}

/// Decides for a member that was told to join a cluster, from what the one that it was pointed at says.
pub(crate) fn decide_joining(own: &Identity, answer: Option<&Identity>) -> Step {
    let Some(formed) = answer else {
        return Step::WaitForLeader;
    };
    if formed.retired.contains(&own.id) {
        return Step::Refuse(format!(
            "member {} was removed from the cluster {}, and its id is never used again: start this one with another --id \
             and an empty --data-dir",
            own.id, formed.cluster
        ));
    }
    let knows = formed.members.iter().any(|known| known.id == own.id);
    match (formed.cluster.is_empty(), knows) {
        (true, _) => Step::WaitForLeader,
        (false, true) => join(own, formed),
        (false, false) => Step::WaitToBeAdded,
    }
}

/// What a member without a log does when it meets a cluster that has been formed.
fn join(own: &Identity, formed: &Identity) -> Step {
    match formed.members.iter().find(|known| known.id == own.id) {
        Some(known) if known.incarnation == own.incarnation || sabotage::planted(Bug::EmptyDataDir) => {
            Step::WaitForLeader
        }
        Some(_) => Step::Refuse(format!(
            "the cluster {} knows member {} with another data folder, whose log is lost: it must never vote \
             again under this id. Give the machine a new id: start it with --join, `baton cluster add` and `promote` it, \
             and `baton cluster remove` the old one",
            formed.cluster, own.id
        )),
        None => Step::Refuse(format!(
            "the cluster {} has been formed without member {}: start it with --join in place of --peers, and add it with \
             `baton cluster add`",
            formed.cluster, own.id
        )),
    }
}

#[cfg(test)]
#[path = "formation_tests.rs"]
mod tests;
