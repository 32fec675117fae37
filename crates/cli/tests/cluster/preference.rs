//! The leader goes where an operator wants it, and stays elsewhere while it cannot be there.

use serde_json::Value;

use crate::support::{Cluster, Said};
use crate::takeover::REGIONS;

/// Members count as well so soon that a test can wait for it.
const SOON: &str = "prefer_after_ms = 500\n";

/// The coordinator that stands there.
const NORTH: u64 = 3;

fn status(cluster: &Cluster) -> Value {
    cluster.baton(&["cluster", "status", "-o", "json"]).well().json()
}

fn prefer(cluster: &Cluster, wish: &str) -> Said {
    cluster.baton(&["cluster", "prefer-leader", wish, "-o", "json"])
}

/// The region of the leader, while there is one.
fn leads_in(cluster: &Cluster) -> Option<String> {
    let said = cluster.baton(&["cluster", "status", "-o", "json"]);
    let status = (said.code == 0).then(|| said.json())?;
    let leader = status["leader"].as_u64()?;
    let members = status["members"].as_array()?.iter();
    let leading = members.into_iter().find(|member| member["id"] == leader)?;
    leading["region"].as_str().map(str::to_owned)
}

#[test]
fn the_leader_goes_where_it_is_wanted_and_comes_back_there() {
    let mut cluster = Cluster::start(&REGIONS, SOON);
    assert_eq!(status(&cluster)["preferred_region"], Value::Null);
    let unknown = prefer(&cluster, "nowhere").with_code(4);
    assert!(unknown.stderr.contains("no coordinator with a vote stands in nowhere"), "{unknown:?}");

    // Two in turn: at least one of them has to be gone to.
    for region in ["west", "north"] {
        assert_eq!(prefer(&cluster, region).well().json()["preferred_region"], region);
        cluster.until("the leader to be there", || leads_in(&cluster).as_deref() == Some(region));
    }
    assert_eq!(status(&cluster)["preferred_region"], "north");

    // Another region leads while that one is gone, and no longer than that.
    cluster.kill_server(NORTH);
    cluster.until("another region to lead", || leads_in(&cluster).is_some_and(|region| region != "north"));
    cluster.start_server(NORTH);
    cluster.until("the leader to be back", || leads_in(&cluster).as_deref() == Some("north"));
    // For a moment the leader before may still say that it leads.
    cluster.until("nobody else to claim it", || cluster.leader() == NORTH);

    assert_eq!(prefer(&cluster, "--none").well().json()["preferred_region"], Value::Null);
    assert_eq!(status(&cluster)["preferred_region"], Value::Null);
}
