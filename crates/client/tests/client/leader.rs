//! The client against coordinators that follow a script: it finds the leader, repeats a write
//! under the same request id, and says honestly what it does not know.

use std::time::Duration;

use crate::fake::{Act, ask, coordinator};
use baton_api as api;
use baton_client::{Client, Decision, Error, Origin, Start};
use tonic::Status;

fn origin() -> Origin {
    Origin { request_id: "r-1".into(), operator: "ada@example".into(), roles: vec!["sre".into()] }
}

fn start() -> Start {
    Start { plan: "shop".into(), mode: "graceful".into(), ..Start::default() }
}

/// A port that nobody listens on.
fn closed() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Gives up soon, but not before a coordinator on a loaded machine has said something.
fn impatient(servers: &[String]) -> Client {
    let deadline = Duration::from_secs(3);
    Client::connect(servers).unwrap().with_deadline(deadline).with_attempt(deadline)
}

#[tokio::test]
async fn it_follows_to_the_leader_and_remembers() {
    let (follower, at_follower) = coordinator().await;
    let (leader, at_leader) = coordinator().await;
    at_follower.add(ask(Some(&leader)));
    at_leader.add(Act::Start("run-1"));
    at_leader.add(Act::Start("run-2"));
    let client = Client::connect(&[follower]).unwrap();

    assert_eq!(client.start_run(&start(), &origin()).await.unwrap().run, "run-1");
    assert_eq!(client.start_run(&start(), &origin()).await.unwrap().run, "run-2");
    assert_eq!(at_follower.started.lock().unwrap().len(), 1, "the second went straight to the leader");
}

#[tokio::test]
async fn a_write_is_repeated_with_the_same_request_id() {
    let (one, at_one) = coordinator().await;
    let (two, at_two) = coordinator().await;
    at_one.add(Act::Fail(Status::unavailable("no quorum")));
    at_two.add(ask(None));
    at_one.add(Act::Fail(Status::cancelled("going down")));
    at_two.add(Act::Start("run-1"));
    let client = Client::connect(&[closed(), one, two]).unwrap();

    assert_eq!(client.start_run(&start(), &origin()).await.unwrap().run, "run-1");
    let asked: Vec<_> =
        [&at_one, &at_two].iter().flat_map(|script| script.started.lock().unwrap().clone()).collect();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|request| request == &asked[0]), "{asked:?}");
    assert_eq!(asked[0].request_id, "r-1");
}

#[tokio::test]
async fn while_one_is_silent_the_others_are_asked() {
    let (paused, at_paused) = coordinator().await;
    let (follower, at_follower) = coordinator().await;
    let (leader, at_leader) = coordinator().await;
    at_paused.add(Act::Hang);
    at_follower.add(ask(Some(&paused)));
    at_follower.add(ask(None));
    at_follower.add(ask(Some(&leader)));
    at_leader.add(Act::Start("run-1"));
    // Whom it asks it gives all of its time.
    let client = impatient(&[paused, follower]);

    assert_eq!(client.start_run(&start(), &origin()).await.unwrap().run, "run-1");
    assert_eq!(at_paused.started.lock().unwrap().len(), 1, "it was not asked again");
    assert!(at_follower.is_done() && at_leader.is_done());
}

#[tokio::test]
async fn a_coordinator_that_hangs_does_not_hang_the_client() {
    let (paused, at_paused) = coordinator().await;
    let (leader, at_leader) = coordinator().await;
    at_paused.add(Act::Hang);
    at_leader.add(Act::Start("run-1"));
    // A stopped process still takes connections, by the kernel's hand.
    let frozen = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let frozen_address = frozen.local_addr().unwrap().to_string();
    let client = Client::connect(&[frozen_address, paused, leader]).unwrap();
    let client = client.with_attempt(Duration::from_millis(200));

    assert_eq!(client.start_run(&start(), &origin()).await.unwrap().run, "run-1");
    assert!(at_paused.is_done());
}

#[tokio::test]
async fn without_a_quorum_it_says_whether_something_may_be_written() {
    let Err(Error::NoQuorum(nothing)) = impatient(&[closed()]).start_run(&start(), &origin()).await else {
        panic!("nobody is there");
    };
    assert!(!nothing.may_be_written);
    assert_eq!(nothing.request_id.as_deref(), Some("r-1"));
    assert!(nothing.to_string().ends_with("; nothing was written"), "{nothing}");

    let (alone, script) = coordinator().await;
    (0..1000).for_each(|_| script.add(Act::Fail(Status::unavailable("no quorum answered"))));
    let Err(Error::NoQuorum(unknown)) = impatient(&[alone]).start_run(&start(), &origin()).await else {
        panic!("it never answers");
    };
    assert!(unknown.may_be_written);
    assert!(unknown.to_string().contains("no quorum answered"), "{unknown}");
    assert!(unknown.to_string().ends_with("; whether it was written is not known"), "{unknown}");
}

#[tokio::test]
async fn what_was_said_stands_where_the_last_attempt_is_cut_off() {
    let (leader, script) = coordinator().await;
    script.add(Act::Fail(Status::unavailable("no quorum answered")));
    script.add(Act::Hang);
    let error = impatient(&[leader]).start_run(&start(), &origin()).await.unwrap_err();
    assert!(script.is_done());
    assert!(error.to_string().contains("no quorum answered"), "{error}");

    let (leader, script) = coordinator().await;
    script.add(Act::Hang);
    let error = impatient(&[leader]).start_run(&start(), &origin()).await.unwrap_err();
    assert!(error.to_string().contains("no answer"), "{error}");
}

#[tokio::test]
async fn a_cluster_without_a_leader_never_saw_the_write() {
    let (follower, script) = coordinator().await;
    (0..1000).for_each(|_| script.add(ask(None)));
    let error = impatient(&[follower]).start_run(&start(), &origin()).await.unwrap_err();
    assert!(error.to_string().ends_with("no leader is known); nothing was written"), "{error}");
}

#[tokio::test]
async fn answers_that_are_final_are_not_repeated() {
    let (leader, script) = coordinator().await;
    script.add(Act::Fail(Status::aborted("the request id was used for another request")));
    script.add(Act::Fail(Status::invalid_argument("the parameter `to` is missing")));
    let client = Client::connect(&[leader]).unwrap();

    let refused = client.start_run(&start(), &origin()).await.unwrap_err();
    assert_eq!(refused, Error::Refused("the request id was used for another request".into()));
    let usage = client.start_run(&start(), &origin()).await.unwrap_err();
    assert_eq!(usage, Error::Usage("the parameter `to` is missing".into()));
    let invalid = client.register_plan("…", &origin()).await.unwrap_err();
    assert_eq!(invalid, Error::InvalidPlan("line 1: wrong".into()));
    let missing = client.get_plan("shop", None, false).await.unwrap_err();
    assert_eq!(missing, Error::NotFound("there is no plan `shop`".into()));
    script.add(Act::Fail(Status::aborted("the run has ended")));
    let ended = client.decide(&Decision::Pause, "run-1", "", &origin()).await.unwrap_err();
    assert_eq!(ended, Error::Refused("the run has ended".into()));
}

#[tokio::test]
async fn the_status_is_the_leaders_where_there_is_one() {
    let (one, at_one) = coordinator().await;
    let (two, at_two) = coordinator().await;
    let says =
        |leader, answered_by, term| api::ClusterStatus { leader, answered_by, term, ..Default::default() };
    *at_one.status.lock().unwrap() = says(Some(2), 1, 4);
    *at_two.status.lock().unwrap() = says(Some(2), 2, 4);
    let client = Client::connect(&[one, two, closed()]).unwrap();
    assert_eq!(client.cluster_status().await.unwrap().answered_by, 2);

    *at_one.status.lock().unwrap() = says(None, 1, 6);
    *at_two.status.lock().unwrap() = says(None, 2, 5);
    let status = client.cluster_status().await.unwrap();
    assert_eq!((status.answered_by, status.leader), (1, None));
    assert!(impatient(&[closed()]).cluster_status().await.unwrap_err().is_no_quorum());
}
