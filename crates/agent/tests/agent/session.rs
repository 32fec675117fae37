//! Finding the leader, and finding the next one.

use baton_api::Outcome;
use tokio::net::TcpListener;

use crate::bench::{Bench, eventually};
use crate::leader::Leader;

/// One server is dead, one accepts connections and says nothing, one follows and names the leader,
/// who is on nobody's list.
#[tokio::test(flavor = "multi_thread")]
async fn the_leader_is_found_through_a_follower_past_the_dead_and_the_silent() {
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (follower, leader) = (Leader::start().await, Leader::start().await);
    follower.script(|script| script.succeeded_by = Some(leader.address.clone()));
    let silent_address = silent.local_addr().unwrap();
    let servers = format!("{dead},{silent_address},{}", follower.address);
    let bench = Bench::start_with(leader, servers).await;
    bench.leader.assign(bench.script(7, "exit 0"));
    let report = bench.leader.report(7).await;
    assert_eq!(report.outcome(), Outcome::Succeeded, "{}", report.reason);
}

/// M03 to M06 from the agent's side: nothing that runs notices that leaders come and go.
#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_disturbs_nothing_that_runs() {
    let (first, second) = (Leader::start().await, Leader::start().await);
    let servers = format!("{},{}", first.address, second.address);
    second.script(|script| {
        script.succeeded_by = Some(first.address.clone());
        script.term = 2;
    });
    let mut bench = Bench::start_with(first.clone(), servers).await;
    bench.leader.assign(bench.script(7, "echo did >> $D/effects; until [ -e $D/go ]; do sleep 0.01; done"));
    bench.until_exists("effects").await;
    first.script(|script| script.succeeded_by = Some(second.address.clone()));
    second.script(|script| script.succeeded_by = None);
    first.hang_up();
    let hello = second.hello(1).await;
    assert_eq!(hello.held.len(), 1);
    bench.leader = second;
    bench.leader.assign(bench.script(7, "echo did >> $D/effects; until [ -e $D/go ]; do sleep 0.01; done"));
    std::fs::write(bench.path("go"), "").unwrap();
    assert_eq!(bench.leader.report(7).await.outcome(), Outcome::Succeeded);
    assert_eq!(bench.lines("effects"), ["did"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_agent_comes_back_when_it_may() {
    let leader = Leader::start().await;
    leader.script(|script| script.refuses = Some("the name is taken".into()));
    let servers = leader.address.clone();
    let bench = Bench::start_with(leader, servers).await;
    bench.leader.script(|script| script.refuses = None);
    bench.leader.hello(2).await;
    bench.leader.assign(bench.script(7, "exit 0"));
    let report = bench.leader.report(7).await;
    assert_eq!(report.outcome(), Outcome::Succeeded, "{}", report.reason);
}

/// A leader that is cut off is left, and its successor is found.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_leader_is_not_followed_again() {
    let bench = Bench::start().await;
    bench.leader.script(|script| {
        script.term = 5;
        script.renews = false;
    });
    bench.leader.hello(2).await;
    bench.leader.script(|script| script.term = 4);
    // It greets again and again, and does not stay.
    bench.leader.hello(5).await;
    bench.leader.script(|script| {
        script.term = 5;
        script.renews = true;
    });
    eventually("the step runs", || {
        bench.leader.assign(bench.script(7, "true"));
        bench.leader.reported(7)
    })
    .await;
}
