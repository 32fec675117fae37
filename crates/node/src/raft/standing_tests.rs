use std::collections::BTreeMap;

use super::super::types::Member;
use super::*;

fn standing(cluster: &str) -> Standing {
    let identity = Identity { node: 2, incarnation: "two".into() };
    Standing::new(identity, cluster.into(), Arc::default())
}

fn membership() -> Membership {
    let member = |incarnation: &str| Member { incarnation: incarnation.into(), ..Member::default() };
    Membership::from(BTreeMap::from([(1, member("one")), (2, member("two"))]))
}

fn frame(from: u64, incarnation: &str, cluster: &str, to: &str) -> Frame {
    let (incarnation, cluster, to) = (incarnation.into(), cluster.into(), to.into());
    Frame { from, incarnation, cluster, to, ..Frame::default() }
}

#[test]
fn a_members_frame_is_taken() {
    let frame = frame(1, "one", "c", "two");
    assert_eq!(standing("c").check(&frame, &membership()), Ok(()));
    assert_eq!(standing("").check(&frame, &Membership::default()), Ok(()));
}

#[test]
fn a_frame_for_a_lost_data_folder_is_refused_even_before_the_first_start() {
    let frame = frame(1, "one", "c", "an older two");
    let refusal = standing("").check(&frame, &Membership::default());
    assert!(matches!(refusal, Err(Refusal::Addressee { .. })), "{refusal:?}");
}

#[test]
fn another_clusters_frame_is_refused() {
    let refusal = standing("c").check(&frame(1, "one", "d", "two"), &membership());
    assert_eq!(refusal.unwrap_err().to_string(), "member 1 belongs to the cluster d, and this one to c");
}

#[test]
fn a_sender_that_lost_its_data_is_refused() {
    let refusal = standing("c").check(&frame(1, "a new one", "c", "two"), &membership());
    assert!(matches!(refusal, Err(Refusal::Sender { from: 1, .. })), "{refusal:?}");
    // A member of a later membership is none of this one's business.
    let later = standing("c").check(&frame(9, "nine", "c", "two"), &membership());
    assert_eq!(later, Ok(()));
}

#[test]
fn the_farthest_reach_of_a_data_folder_is_remembered() {
    let standing = standing("c");
    let reaching = |term, index| {
        let reach = Some(baton_api::Reach { term, index });
        Frame { reach, ..frame(1, "one", "c", "two") }
    };
    for (term, index) in [(2, 9), (3, 0), (2, 12)] {
        standing.remember(&reaching(term, index));
    }
    assert_eq!(standing.recall("one"), Some(Reach { term: 3, index: 0 }));
    assert_eq!(standing.recall("another"), None);
}
