//! Runs that have ended are kept on disk: every member has them, gives them back when a command names them, and a member
//! that was away gets them with the snapshot.

mod support;

use std::collections::BTreeMap;

use baton_engine::command::{Decision, Mode, Request};
use baton_engine::run::Status;
use baton_engine::{Command, Reply};
use support::Site;

const PLAN: &str = "apiVersion: baton/v1
kind: Plan
metadata:
  name: p
spec:
  steps:
    - name: one
      region: nowhere
      idempotent: true
      noop: {}
";

fn request(id: String) -> Request {
    Request { id, operator: "ana".into(), roles: Vec::new() }
}

fn register() -> Command {
    let plan = baton_plan::check(PLAN).unwrap().plan;
    Command::RegisterPlan { request: request("register".into()), plan: Box::new(plan), source: PLAN.into() }
}

/// Nothing can do the step, so a run that is canceled has ended.
fn start_and_cancel(number: u32) -> Vec<Command> {
    let start = Command::StartRun {
        request: request(format!("start {number}")),
        plan: "p".into(),
        version: None,
        params: BTreeMap::new(),
        mode: Mode::Graceful,
        drill: false,
        queue: false,
    };
    vec![start, decide(number, Decision::Cancel { undo: false })]
}

fn decide(number: u32, decision: Decision) -> Command {
    let request = request(format!("{decision:?} {number}"));
    Command::Decide { request, run: format!("p-{number}"), decision, reason: "a test".into() }
}

fn accepted(replies: &[Reply]) {
    assert!(replies.iter().all(Result::is_ok), "{replies:?}");
}

/// Whether a member's state holds the run, and how the run stands there.
fn seen(site: &Site, member: u64, run: &str) -> (bool, Status) {
    let machine = site.cluster(member).machine();
    let in_memory = machine.read(|state| state.runs.contains_key(run));
    (in_memory, machine.read_run(run, |_, run| run.status).unwrap().expect("it is known"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_has_ended_is_on_disk_and_comes_back_when_it_is_named() {
    let mut site = Site::formed().await;
    accepted(&site.write([vec![register()], start_and_cancel(1), start_and_cancel(2)].concat()).await.1[1..]);
    let (index, undone) = site.write(vec![decide(1, Decision::Undo)]).await;
    accepted(&undone[1..]);
    for member in 1..=3 {
        site.applied(member, index).await;
        assert_eq!(seen(&site, member, "p-1"), (false, Status::Undone));
        assert_eq!(seen(&site, member, "p-2"), (false, Status::Canceled));
        assert!(site.cluster(member).machine().read_run("p-3", |_, _| ()).unwrap().is_none());
    }
    site.stop_all().await;
    site.start_all().await;
    let (index, again) = site.write(vec![decide(2, Decision::Undo)]).await;
    accepted(&again[1..]);
    for member in 1..=3 {
        site.applied(member, index).await;
        assert_eq!(seen(&site, member, "p-1"), (false, Status::Undone));
        assert_eq!(seen(&site, member, "p-2"), (false, Status::Undone));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_was_away_gets_the_runs_that_ended_meanwhile() {
    let mut site = Site::new().await;
    site.snapshot_after = 100;
    site.start_all().await;
    let (index, _) = site.write([vec![register()], start_and_cancel(1)].concat()).await;
    let leader = site.leader().await;
    let behind = (1..=3).find(|id| *id != leader).unwrap();
    site.applied(behind, index).await;
    site.stop(behind).await;
    for number in 2..=300 {
        accepted(&site.write(start_and_cancel(number)).await.1[1..]);
    }
    site.start_all().await;
    let (index, _) = site.write(start_and_cancel(301)).await;
    site.applied(behind, index).await;
    for number in [1, 2, 150, 300, 301] {
        assert_eq!(seen(&site, behind, &format!("p-{number}")), (false, Status::Canceled));
    }

    // And it starts from them.
    site.stop(behind).await;
    site.start_all().await;
    let (index, undone) = site.write(vec![decide(150, Decision::Undo)]).await;
    accepted(&undone[1..]);
    site.applied(behind, index).await;
    assert_eq!(seen(&site, behind, "p-150"), (false, Status::Undone));
    assert_eq!(seen(&site, behind, "p-300"), (false, Status::Canceled));
}
