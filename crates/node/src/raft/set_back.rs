//! Data that was set back to an old copy of itself is sound in itself: only the others can know that it once reached
//! farther (the matrix's C02). They are asked before raft begins, for the first vote could be one too many.

use std::path::Path;
use std::time::Duration;

use baton_storage::position::Reach;

use super::peers::Peers;
use super::standing::Standing;
use super::types::Membership;

/// Whoever is there answers at once; a member that starts does not wait for the others.
const ASK_WITHIN: Duration = Duration::from_millis(500);

/// Asks the other members what they remember of this data folder.
///
/// # Errors
/// A sentence, if one of them has seen it reach farther than it does.
pub(super) async fn check(
    data_dir: &Path,
    members: &Membership,
    standing: &Standing,
    peers: &Peers,
) -> anyhow::Result<()> {
    let own = standing.reach();
    let others = members.nodes().filter(|(_, member)| member.incarnation != standing.incarnation());
    let asked = others.map(async |(id, member)| {
        let answer = peers.identify(standing.introduction(), &member.address, ASK_WITHIN).await?;
        let remembered = answer.remembered?;
        Some((*id, Reach { term: remembered.term, index: remembered.index }))
    });
    let answers = futures::future::join_all(asked).await;
    match answers.into_iter().flatten().find(|(_, remembered)| *remembered > own) {
        None => Ok(()),
        Some((member, remembered)) => anyhow::bail!(
            "{}: member {member} remembers that this data reached {}, and it reaches only {}: it was restored from an \
             old copy. Move it away and bring its member back under a new id",
            data_dir.display(),
            said(remembered),
            said(own)
        ),
    }
}

fn said(reach: Reach) -> String {
    match reach.index {
        0 => format!("term {}", reach.term),
        index => format!("entry {index} of term {}", reach.term),
    }
}
