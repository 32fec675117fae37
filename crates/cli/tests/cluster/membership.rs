//! The cluster grows, shrinks and changes hands while it works.

use serde_json::Value;

use crate::support::{Cluster, Said};
use crate::takeover::REGIONS;

const NOOPS: &str = "  steps:\n    - {name: a, region: west, idempotent: true, command: ['true']}\n";

/// Adds a coordinator that waits to be added, and gives it a vote.
pub(crate) fn take_in(cluster: &Cluster, id: u64, region: &str) {
    let (id, address) = (id.to_string(), cluster.address(id).to_owned());
    let add = ["cluster", "add", "--id", &id, "--region", region, "--address", &address];
    done_at_last(cluster, "it to be added", &add);
    done_at_last(cluster, "it to be promoted", &["cluster", "promote", &id]);
}

/// Repeats a command that is refused until it can be done: by the contract that is exit code 7, or 5 without a leader.
fn done_at_last(cluster: &Cluster, what: &str, command: &[&str]) {
    cluster.until(what, || {
        let said = cluster.baton(command);
        assert!(matches!(said.code, 0 | 5 | 7), "{said:?}");
        said.code == 0
    });
}

fn roles(cluster: &Cluster) -> Vec<(u64, String)> {
    let status = cluster.baton(&["cluster", "status", "-o", "json"]).well().json();
    let members = status["members"].as_array().cloned().unwrap_or_default();
    let role = |member: &Value| {
        Some((member["id"].as_u64()?, member["role"].as_str()?.replace("leader", "follower")))
    };
    members.iter().filter_map(role).collect()
}

fn message(said: &Said) -> String {
    let error: Value = serde_json::from_str(&said.stderr).unwrap_or_else(|_| panic!("{said:?}"));
    error["error"]["message"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_cluster_grows_is_replaced_whole_and_goes_on() {
    let mut cluster = Cluster::start(&REGIONS, "snapshot_after = 40\n");
    let plan = cluster.plan("noops", NOOPS);
    // Enough that the new ones are caught up by a snapshot.
    let runs: Vec<_> = (0..25).map(|_| cluster.run(&plan)).collect();
    cluster.until_run(&runs[24], "succeeded");

    cluster.join_server(4, "east", 2);
    let (address, add) = (cluster.address(4).to_owned(), ["cluster", "add", "--id", "4", "--region"]);
    cluster.until("it to answer", || {
        let said = cluster.baton(&[&add[..], &["east", "--address", &address, "-o", "json"]].concat());
        said.code == 0 && said.json()["role"] == "learner"
    });
    assert!(roles(&cluster).contains(&(4, "learner".into())));
    let wrong =
        cluster.baton(&[&add[..], &["west", "--address", &address, "-o", "json"]].concat()).with_code(7);
    assert!(message(&wrong).contains("in region east, not 4 in west"), "{wrong:?}");
    let learner = cluster.baton(&["cluster", "transfer-leader", "--to", "4", "-o", "json"]).with_code(7);
    assert!(message(&learner).contains("learner"), "{learner:?}");
    take_in(&cluster, 4, "east");
    cluster.join_server(5, "north", 3);
    take_in(&cluster, 5, "north");

    // The first three go, the leader among them, and the agents find those that are left.
    done_at_last(&cluster, "5 to lead", &["cluster", "transfer-leader", "--to", "5"]);
    assert_eq!(cluster.leader(), 5);
    done_at_last(&cluster, "1 to lead", &["cluster", "transfer-leader", "--to", "1"]);
    for id in 1..=3 {
        done_at_last(&cluster, "it to be removed", &["cluster", "remove", &id.to_string()]);
        assert_eq!(cluster.until_server_ends(id), 1);
        let log = cluster.log(&format!("server-{id}"));
        assert!(log.contains("has been removed from the cluster"), "{log}");
    }
    let left: Vec<_> = [4, 5].map(|id| (id, "follower".to_owned())).into();
    assert_eq!(roles(&cluster), left);
    cluster.until_ready();
    let run = cluster.run(&plan);
    cluster.until_run(&run, "succeeded");
    cluster.until_run(&runs[0], "succeeded");

    // An id is never used again.
    let again = cluster.baton(&["cluster", "add", "--id", "2", "--region", "west", "--address", &address]);
    assert!(again.with_code(7).stderr.contains("never used again"));
    cluster.start_server(2);
    assert_eq!(cluster.until_server_ends(2), 1);
    // A member that was started again follows the members that it knows, not those that it was started with.
    cluster.stop_server(4);
    cluster.start_server(4);
    cluster.until_ready();
    let run = cluster.run(&plan);
    cluster.until_run(&run, "succeeded");
}

#[test]
fn a_wiped_member_comes_back_under_a_new_id() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("noops", NOOPS);
    cluster.kill_server(2);
    std::fs::remove_dir_all(cluster.data_dir("2")).expect("its data is gone");
    cluster.start_server(2);
    assert_eq!(cluster.until_server_ends(2), 1);
    assert!(cluster.log("server-2").contains("must never vote again under this id"));
    cluster.join_server(4, "west", 1);
    take_in(&cluster, 4, "west");
    done_at_last(&cluster, "2 to be removed", &["cluster", "remove", "2"]);
    // It counts: without another one, it makes the majority.
    cluster.kill_server(3);
    let run = cluster.run(&plan);
    cluster.until_run(&run, "succeeded");
}

#[test]
fn what_would_lose_the_quorum_is_refused() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let refused = |command: &[&str], code| {
        let said = cluster.baton(&[command, &["-o", "json"]].concat()).with_code(code);
        message(&said)
    };
    assert!(refused(&["cluster", "promote", "9"], 4).contains("no member 9"));
    assert!(refused(&["cluster", "remove", "9"], 4).contains("no member 9"));
    assert!(refused(&["cluster", "transfer-leader", "--to", "9"], 4).contains("no member 9"));
    let nobody = ["cluster", "add", "--id", "4", "--region", "west", "--address", "127.0.0.1:1"];
    assert!(refused(&nobody, 7).contains("start it there first"));
    let leader = cluster.leader();
    let [dead, other] = [1, 2, 3].into_iter().filter(|id| *id != leader).collect::<Vec<_>>()[..] else {
        panic!("three members");
    };
    cluster.kill_server(dead);
    cluster.leader();
    let said = cluster.baton(&["cluster", "remove", &other.to_string(), "-o", "json"]).with_code(7);
    assert!(message(&said).contains("no majority"), "{said:?}");
    // The dead one may go: the two that are left are all that is counted.
    done_at_last(&cluster, "the dead one to be removed", &["cluster", "remove", &dead.to_string()]);
    cluster.start_server(dead);
    assert_eq!(cluster.until_server_ends(dead), 1);
    let plan = cluster.plan("noops", NOOPS);
    let run = cluster.run(&plan);
    cluster.until_run(&run, "succeeded");
}
