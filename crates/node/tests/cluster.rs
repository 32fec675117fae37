//! Three coordinators over loopback: what is acknowledged stays, and who lost data never votes.

mod support;

use std::time::Duration;

use baton_engine::Rejection;
use baton_node::Surroundings;
use baton_node::raft::{Cluster, ReadError, WriteError};
use support::{Site, batch, join, size, until, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_applied_everywhere_and_answered_with_its_place() {
    let site = Site::formed().await;
    let (index, replies) = site.write(vec![join("a"), join("b")]).await;
    assert_eq!(replies.len(), 3);
    assert!(replies.iter().all(Result::is_ok), "{replies:?}");
    for id in 1..=3 {
        site.applied(id, index).await;
        assert_eq!(site.agents(id), ["a", "b"]);
    }
    let leader = site.leader().await;
    let read = site.cluster(leader).linearize().await.unwrap();
    assert!(read >= index);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_names_the_leader() {
    let site = Site::formed().await;
    let leader = site.leader().await;
    let follower = (1..=3).find(|id| *id != leader).unwrap();
    let address = Some(site.peers[&leader].clone());
    let refused = site.cluster(follower).write(batch(1, vec![join("a")])).await;
    assert!(
        matches!(&refused, Err(WriteError::NotLeader { leader: Some(member) }) if Some(&member.address) == address.as_ref()),
        "{refused:?}"
    );
    let refused = site.cluster(follower).linearize().await;
    assert!(
        matches!(&refused, Err(ReadError::NotLeader { leader: Some(member) }) if Some(&member.address) == address.as_ref()),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_there_after_all_have_stopped() {
    let mut site = Site::formed().await;
    site.write(vec![join("a")]).await;
    let term = site.cluster(1).leadership().borrow().term;
    site.stop_all().await;
    site.start_all().await;
    let (index, _) = site.write(vec![join("b")]).await;
    for id in 1..=3 {
        site.applied(id, index).await;
        assert_eq!(site.agents(id), ["a", "b"]);
        // A vote that was forgotten would show as a term that begins again.
        assert!(site.cluster(id).leadership().borrow().term > term);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_others_go_on_without_the_leader() {
    let mut site = Site::formed().await;
    site.write(vec![join("a")]).await;
    let first = site.leader().await;
    site.stop(first).await;
    let (index, _) = site.write(vec![join("b")]).await;
    assert_ne!(site.leader().await, first);
    site.start_all().await;
    site.applied(first, index).await;
    assert_eq!(site.agents(first), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_majority_nothing_is_written_or_read() {
    let mut site = Site::formed().await;
    site.write(vec![join("a")]).await;
    let leader = site.leader().await;
    for id in (1..=3).filter(|id| *id != leader) {
        site.stop(id).await;
    }
    let alone = site.cluster(leader).clone();
    let refused = |error: &WriteError| matches!(error, WriteError::NotLeader { leader: None });
    until(async || {
        let write = alone.write(batch(1, vec![join("b")]));
        let write = tokio::time::timeout(Duration::from_millis(500), write).await;
        matches!(write, Ok(Err(error)) if refused(&error)).then_some(())
    })
    .await;
    assert!(alone.linearize().await.is_err());
    drop(alone);
    // What was never acknowledged may or may not come back; what was stays.
    site.start_all().await;
    site.write(vec![join("c")]).await;
    let leader = site.leader().await;
    let agents = site.agents(leader);
    assert!(agents.contains(&"a".into()) && agents.contains(&"c".into()), "{agents:?}");
}

/// As in an upgrade that takes one member after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_know_streams_and_one_that_does_not_work_together() {
    let mut site = Site::new().await;
    site.older.insert(2);
    site.start_all().await;
    for away in 1..=3 {
        site.stop(away).await;
        // Two are left, and each of them is needed.
        site.write(vec![join(&format!("without-{away}"))]).await;
        site.start_all().await;
        let (index, _) = site.write(vec![join(&format!("with-{away}"))]).await;
        for id in 1..=3 {
            site.applied(id, index).await;
        }
        let leader = site.leader().await;
        let follower = if leader == 2 { 1 } else { 2 };
        site.streamed_to(follower).await;
    }
    for id in 1..=3 {
        assert_eq!(site.agents(id).len(), 6);
    }
    site.older.clear();
    site.stop(2).await;
    site.start_all().await;
    let (index, _) = site.write(vec![join("upgraded")]).await;
    site.applied(2, index).await;
}

/// It goes on thinking that it leads; what it would promise to agents would keep them from a newer leader.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_nobody_follows_any_more_knows_it() {
    const LATELY: Duration = Duration::from_millis(500);
    let mut site = Site::formed().await;
    let leader = until(async || {
        let leader = site.leader().await;
        site.cluster(leader).is_followed(LATELY).then_some(leader)
    })
    .await;
    let others: Vec<u64> = (1..=3).filter(|id| *id != leader).collect();
    assert!(others.iter().all(|id| !site.cluster(*id).is_followed(LATELY)));
    for id in others {
        site.stop(id).await;
    }
    until(async || (!site.cluster(leader).is_followed(LATELY)).then_some(())).await;
    site.start_all().await;
    until(async || {
        let leader = site.leader().await;
        site.cluster(leader).is_followed(LATELY).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_lost_its_data_is_refused_and_never_votes() {
    let mut site = Site::formed().await;
    site.write(vec![join("a")]).await;
    let leader = site.leader().await;
    let lost = (1..=3).find(|id| *id != leader).unwrap();
    site.stop(lost).await;
    std::fs::remove_dir_all(site.data(lost)).unwrap();
    site.start(lost).await.unwrap();
    let refused = within(site.cluster(lost).form()).await.unwrap_err().to_string();
    assert!(refused.contains("must never vote again under this id"), "{refused}");

    // Even while it runs it is nobody: with one more member gone there is no majority.
    let other = (1..=3).find(|id| *id != leader && *id != lost).unwrap();
    site.stop(other).await;
    let alone = site.cluster(leader);
    until(async || alone.linearize().await.is_err().then_some(())).await;
    let status = alone.status().await;
    let member = status.members.iter().find(|member| member.id == lost).unwrap();
    assert!(!member.reachable, "{member:?}");
    assert_eq!(site.agents(lost), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_restored_from_an_old_copy_does_not_start() {
    let mut site = Site::formed().await;
    site.write(vec![join("a")]).await;
    let leader = site.leader().await;
    let restored = (1..=3).find(|id| *id != leader).unwrap();
    let other = (1..=3).find(|id| *id != leader && *id != restored).unwrap();
    site.stop(restored).await;
    let copy = site.folder.path().join("copy");
    copy_folder(&site.data(restored), &copy);
    site.start(restored).await.unwrap();
    // Without the third member, the write needs this one's acknowledgement.
    site.stop(other).await;
    site.write(vec![join("b")]).await;
    site.start(other).await.unwrap();
    site.stop(restored).await;
    std::fs::remove_dir_all(site.data(restored)).unwrap();
    copy_folder(&copy, &site.data(restored));
    let refused = site.start(restored).await.unwrap_err().to_string();
    assert!(refused.contains("remembers that this data reached"), "{refused}");
    site.write(vec![join("c")]).await;
    assert_eq!(site.agents(site.leader().await), ["a", "b", "c"]);
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_far_behind_gets_a_snapshot_and_the_disk_stays_bounded() {
    let mut site = Site::new().await;
    site.snapshot_after = 100;
    site.start_all().await;
    let leader = site.leader().await;
    let behind = (1..=3).find(|id| *id != leader).unwrap();
    site.stop(behind).await;
    let mut last = 0;
    for round in 0..12u32 {
        let writes = (0..50).map(|n| site.write(vec![join(&format!("agent-{}", round * 50 + n))]));
        let written = futures::future::join_all(writes).await;
        last = written.into_iter().map(|(index, _)| index).max().unwrap();
    }
    site.start_all().await;
    let (index, _) = site.write(vec![join("last")]).await;
    assert!(index > last);
    site.applied(behind, index).await;
    assert_eq!(site.agents(behind).len(), 601);
    assert!(site.data(behind).join("snapshots/current").exists());
    let ballast = 16 << 20;
    assert!(size(&site.data(behind)) < ballast + (8 << 20));

    // And it starts from that snapshot.
    site.stop(behind).await;
    site.start_all().await;
    site.applied(behind, index).await;
    assert_eq!(site.agents(behind).len(), 601);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_stops_hands_over() {
    let site = Site::formed().await;
    site.write(vec![join("a")]).await;
    let first = site.leader().await;
    let term = site.cluster(first).leadership().borrow().term;
    within(site.cluster(first).hand_over()).await;
    let leadership = site.cluster(first).leadership().borrow().clone();
    assert!(!leadership.leads);
    assert!(leadership.leader.is_some_and(|(id, _)| id != first));
    assert_eq!(leadership.term, term + 1);
    site.write(vec![join("b")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deposed_leaders_batch_is_refused_whole() {
    let site = Site::formed().await;
    site.write(vec![join("a")]).await;
    let leader = site.leader().await;
    let stale = batch(0, vec![join("b")]);
    let (_, replies) = site.cluster(leader).write(stale).await.unwrap();
    assert!(matches!(replies[..], [Err(Rejection::Deposed)]), "{replies:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_names_every_member() {
    let mut site = Site::formed().await;
    let (index, _) = site.write(vec![join("a")]).await;
    let leader = site.leader().await;
    let gone = (1..=3).find(|id| *id != leader).unwrap();
    site.stop(gone).await;
    let status = site.cluster(leader).status().await;
    assert_eq!(status.leader, Some(leader));
    assert_eq!(status.members.len(), 3);
    for member in &status.members {
        let role = if member.id == leader { "leader" } else { "follower" };
        assert_eq!((member.role.as_str(), member.reachable), (role, member.id != gone));
        assert_eq!(member.region, format!("region-{}", member.id));
        if member.id == leader {
            assert!(member.applied >= Some(index));
        }
    }
}

#[tokio::test]
async fn a_list_without_the_member_itself_is_refused() {
    let site = Site::new().await;
    let mut config = site.config(1);
    config.peers.remove(&1);
    let refused = Cluster::open(config.into(), Surroundings::default()).await.err().unwrap();
    assert!(refused.to_string().contains("does not name member 1"), "{refused}");
}
