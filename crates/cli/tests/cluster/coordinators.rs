//! Part 3 of the main job: what was acknowledged stays, and a minority decides nothing.

use crate::support::Cluster;
use crate::takeover::REGIONS;

const NOOPS: &str =
    "  steps:\n    - {name: a, noop: {}}\n    - {name: b, needs: [a], region: west, noop: {}}\n";

#[test]
fn what_was_acknowledged_survives_the_death_of_all() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("kept", NOOPS);
    let runs: Vec<_> = (0..10).map(|_| cluster.run(&plan)).collect();
    for id in 1..=3 {
        cluster.kill_server(id);
    }
    for id in 1..=3 {
        cluster.start_server(id);
    }
    cluster.until_ready();
    let listed = cluster.baton(&["run", "list", "-o", "json"]).well().json();
    let listed: Vec<_> =
        listed["runs"].as_array().expect("runs").iter().rev().map(|run| run["run"].clone()).collect();
    assert_eq!(listed, runs);
    for run in &runs {
        cluster.until_run(run, "succeeded");
    }
    assert_eq!(cluster.run(&plan), "kept-11", "numbers go on");
}

#[test]
fn a_minority_writes_nothing_and_says_so() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("kept", NOOPS);
    let run = cluster.run(&plan);
    cluster.until_run(&run, "succeeded");
    cluster.kill_server(1);
    cluster.kill_server(3);
    let said = cluster.baton(&["run", "start", &plan, "--timeout", "3s", "-o", "json"]).with_code(5);
    let error: serde_json::Value = serde_json::from_str(&said.stderr).unwrap_or_else(|_| panic!("{said:?}"));
    assert!(error["error"]["message"].is_string() && error["error"]["code"].is_string(), "{error}");
    cluster.baton(&["run", "show", &run, "--timeout", "3s"]).with_code(5);
    cluster.until("the last one to say that nobody leads", || {
        let status = cluster.baton_at(cluster.address(2), &["cluster", "status", "-o", "json"]).well().json();
        let members = status["members"].as_array().cloned().unwrap_or_default();
        let gone = members.iter().filter(|member| member["reachable"] == false);
        status["leader"].is_null() && gone.filter(|member| member["applied"].is_null()).count() == 2
    });
    // What this one knows, it tells to those who ask for no more.
    cluster.baton(&["run", "show", &run, "--stale"]).well();
    cluster.kill_server(2);
    for id in 1..=3 {
        cluster.start_server(id);
    }
    cluster.until_ready();
    cluster.until_run(&run, "succeeded");
    let listed = cluster.baton(&["run", "list", "-o", "json"]).well().json();
    let listed = listed["runs"].as_array().expect("runs").len();
    assert!(listed <= 2, "at most the one whose outcome was unknown has been added");
}

#[test]
fn a_request_is_done_once_whoever_is_asked_and_however_often() {
    let cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("once", NOOPS);
    let start = |address: &str, plan: &str| {
        cluster.baton_at(address, &["run", "start", plan, "--request-id", "r1", "-o", "json"])
    };
    let runs: Vec<_> =
        (1..=3).map(|id| start(cluster.address(id), &plan).well().json()["run"].clone()).collect();
    assert_eq!(runs, ["once-1", "once-1", "once-1"]);
    let other = cluster.plan("other", NOOPS);
    start(cluster.address(1), &other).with_code(7);
    let listed = cluster.baton(&["run", "list", "-o", "json"]).well().json();
    assert_eq!(listed["runs"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_read_from_anywhere_sees_what_was_just_written() {
    let cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("seen", NOOPS);
    for round in 1..=6 {
        let run = cluster.run(&plan);
        let shown = cluster.baton_at(cluster.address(round % 3 + 1), &["run", "show", &run, "-o", "json"]);
        assert_eq!(shown.well().json()["run"], run.as_str());
    }
}

#[test]
fn a_member_that_fell_behind_is_caught_up_by_a_snapshot() {
    let mut cluster = Cluster::start(&REGIONS, "snapshot_after = 60\n");
    let plan = cluster.plan("many", NOOPS);
    let leader = cluster.leader();
    let behind = (1..=3).find(|id| *id != leader).expect("a follower");
    cluster.kill_server(behind);
    let runs: Vec<_> = (0..60).map(|_| cluster.run(&plan)).collect();
    cluster.start_server(behind);
    cluster.until("the member to catch up", || {
        let status = cluster.baton(&["cluster", "status", "-o", "json"]).json();
        let members = status["members"].as_array().cloned().unwrap_or_default();
        let applied: Vec<_> = members.iter().filter_map(|member| member["applied"].as_u64()).collect();
        applied.len() == 3 && applied.iter().all(|index| *index == applied[0] && *index > 60)
    });
    let address = cluster.address(behind);
    let shown = cluster.baton_at(address, &["run", "show", &runs[59], "--stale", "-o", "json"]).well().json();
    assert_eq!(shown["status"], "succeeded");
    // It has the state from a snapshot: the log before it is trimmed.
    let log = cluster.log(&format!("server-{behind}"));
    assert!(log.contains("snapshot"), "{log}");
}

#[test]
fn a_wiped_member_is_not_let_in_under_its_old_id() {
    let mut cluster = Cluster::start(&REGIONS, "");
    cluster.plan("kept", NOOPS);
    cluster.kill_server(2);
    std::fs::remove_dir_all(cluster.data_dir("2")).expect("its data is gone");
    cluster.start_server(2);
    let code = cluster.until_server_ends(2);
    assert_eq!(code, 1);
    let log = cluster.log("server-2");
    assert!(log.contains("id"), "{log}");
    cluster.baton(&["plan", "get", "kept"]).well();
}

#[test]
fn a_second_process_on_the_same_data_is_refused() {
    let cluster = Cluster::start(&REGIONS, "");
    let data = cluster.data_dir("1").display().to_string();
    let said = cluster.baton(&[
        "server",
        "--id",
        "1",
        "--region",
        "east",
        "--listen",
        "127.0.0.1:0",
        "--data-dir",
        &data,
        "--peers",
        "1=127.0.0.1:1,2=127.0.0.1:2,3=127.0.0.1:3",
    ]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stderr.contains("in use") || said.stderr.contains("lock"), "{said:?}");
}

#[test]
fn the_status_names_members_and_agents() {
    let cluster = Cluster::start(&REGIONS, "");
    let status = cluster.baton(&["cluster", "status", "-o", "json"]).well().json();
    let leader = status["leader"].as_u64().expect("a leader");
    let members = status["members"].as_array().expect("members");
    let roles: Vec<_> =
        members.iter().map(|member| (member["id"].as_u64(), member["role"].as_str())).collect();
    for id in 1..=3 {
        let role = if id == leader { "leader" } else { "follower" };
        assert!(roles.contains(&(Some(id), Some(role))), "{status}");
    }
    let agents = status["agents"].as_array().expect("agents");
    assert!(
        agents.iter().all(|agent| agent["status"] == "live" && agent["slots"] == 4 && agent["running"] == 0)
    );
}
