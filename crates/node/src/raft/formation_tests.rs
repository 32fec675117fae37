use baton_api::Known;

use super::*;

fn peers() -> BTreeMap<u64, String> {
    [1, 2, 3].map(|id| (id, format!("127.0.0.1:{id}"))).into()
}

fn unformed(id: u64) -> Identity {
    Identity { id, region: format!("region-{id}"), incarnation: format!("data-{id}"), ..Identity::default() }
}

fn formed(id: u64, members: &[(u64, &str)]) -> Identity {
    let known = |(id, incarnation): &(u64, &str)| Known {
        id: *id,
        incarnation: (*incarnation).into(),
        ..Known::default()
    };
    Identity { cluster: "c".into(), members: members.iter().map(known).collect(), ..unformed(id) }
}

fn answers(present: impl IntoIterator<Item = Identity>) -> BTreeMap<u64, Option<Identity>> {
    let mut answers: BTreeMap<u64, Option<Identity>> = [1, 2, 3].map(|id| (id, None)).into();
    for identity in present {
        answers.insert(identity.id, Some(identity));
    }
    answers
}

#[test]
fn nobody_founds_before_everyone_is_there() {
    let there = answers([unformed(1), unformed(3)]);
    assert_eq!(decide(1, &peers(), &there), Step::WaitFor(vec![2]));
    assert_eq!(decide(3, &peers(), &there), Step::WaitFor(vec![2]));
}

#[test]
fn the_lowest_id_founds_and_writes_down_every_data_folder() {
    let there = answers([1, 2, 3].map(unformed));
    let Step::Found(members) = decide(1, &peers(), &there) else {
        panic!("member 1 must found");
    };
    assert_eq!(members[&3].incarnation, "data-3");
    assert_eq!(members[&2].address, "127.0.0.1:2");
    assert_eq!(decide(2, &peers(), &there), Step::WaitForLeader);
}

#[test]
fn a_member_that_lost_its_data_is_refused() {
    let known = [(1, "data-1"), (2, "data-2"), (3, "an older folder")];
    for present in [vec![formed(1, &known), unformed(2), unformed(3)], vec![formed(1, &known), unformed(3)]] {
        let step = decide(3, &peers(), &answers(present));
        assert!(matches!(&step, Step::Refuse(why) if why.contains("Give the machine a new id")), "{step:?}");
    }
}

#[test]
fn a_member_that_was_late_waits_for_the_leader() {
    let known = [(1, "data-1"), (2, "data-2"), (3, "data-3")];
    let there = answers([formed(1, &known), unformed(3)]);
    assert_eq!(decide(3, &peers(), &there), Step::WaitForLeader);
}

#[test]
fn a_stranger_is_refused() {
    let there = answers([formed(1, &[(1, "data-1"), (2, "data-2")]), unformed(3)]);
    assert!(matches!(decide(3, &peers(), &there), Step::Refuse(_)));
}

#[test]
fn a_wrong_list_is_named() {
    let mut there = answers([unformed(1), unformed(2)]);
    there.insert(3, Some(unformed(2)));
    let step = decide(1, &peers(), &there);
    assert!(
        matches!(&step, Step::Refuse(why) if why.contains("member 3 is at 127.0.0.1:3, where member 2 answers")),
        "{step:?}"
    );
}

/// A vote tells a follower of its cluster before the first entry tells it of the members.
#[test]
fn a_cluster_whose_members_are_not_known_yet_refuses_nobody() {
    for own in [1, 2] {
        let there = answers([unformed(own), formed(3, &[])]);
        assert_eq!(decide(own, &peers(), &there), Step::WaitForLeader);
    }
}

#[test]
fn who_joins_waits_to_be_added_and_never_comes_back_under_a_used_id() {
    let cluster = |members: &[(u64, &str)]| Some(formed(1, members));
    let decide = |answer: Option<Identity>| decide_joining(&unformed(4), answer.as_ref());
    assert_eq!(decide(None), Step::WaitForLeader);
    assert_eq!(decide(Some(unformed(1))), Step::WaitForLeader);
    assert_eq!(decide(cluster(&[(1, "data-1")])), Step::WaitToBeAdded);
    assert_eq!(decide(cluster(&[(1, "data-1"), (4, "data-4")])), Step::WaitForLeader);
    assert!(matches!(decide(cluster(&[(1, "data-1"), (4, "an older folder")])), Step::Refuse(_)));
    let retired = Identity { retired: vec![4], ..formed(1, &[(1, "data-1")]) };
    assert!(matches!(decide(Some(retired)), Step::Refuse(why) if why.contains("never used again")));
}
