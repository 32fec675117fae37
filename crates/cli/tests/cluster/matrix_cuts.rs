//! The matrix, rows P01 to P03: the wire between an agent and the leader is cut, in one direction
//! or in both. P04, a leader among a minority, is in `matrix_coordinators`.

use crate::support::Cluster;
use crate::support::marks::{attempts, step, text};
use crate::support::relay::{Relay, Way};

/// An agent follows the leader past a relay to wherever it is, so the leader must stay the same.
pub(crate) const ONE_LEADER: &str = "heartbeat_ms = 200\nelection_ms = [3000, 6000]\n";

/// A cluster whose only agent in west reaches the leader through a wire that can be cut.
fn wired(settings: &str) -> (Cluster, Relay) {
    let mut cluster = Cluster::start(&[], &format!("{ONE_LEADER}{settings}"));
    let relay = Relay::to(cluster.address(cluster.leader()));
    cluster.add_agent_at("west-1", "west", 8, relay.address());
    cluster.until_ready();
    (cluster, relay)
}

/// Cuts the wire. The agent has learned from the leader where the coordinators are; started anew it knows the wire alone.
fn cut(cluster: &mut Cluster, relay: &Relay, ways: &[Way]) {
    relay.cut(ways);
    cluster.kill_agent("west-1");
    cluster.start_agent("west-1");
}

/// One way is cut: the lease is a round trip, so it runs out all the same, and each class goes its
/// way while nobody can tell what the agent does. What it knows is heard once the wire heals.
fn one_way_is_cut(way: Way) {
    let (mut cluster, relay) = wired("lease_ms = 1500\nrenew_ms = 300\n");
    let run = cluster.classes_under_way();
    cut(&mut cluster, &relay, &[way]);
    // Granted while the agent still counts as live, and never begun there.
    let late = step("late", &format!("idempotent: false, command: '{}'", cluster.mark("late")));
    let late = cluster.plan("late", &format!("  steps:\n{late}"));
    let late = cluster.run(&late);
    cluster.add_agent("west-2", "west", 8);
    let shown = cluster.until_classes(&run, ["running", "succeeded", "in_doubt", "in_doubt"]);
    assert!(text(&shown["steps"][2], "reason").contains("did not happen, but west-1 is silent"), "{shown}");
    assert!(text(&shown["steps"][3], "reason").contains("west-1 began it and fell silent"), "{shown}");
    cluster.until_run(&late, "succeeded");
    cluster.let_go("go");
    cluster.until_exit_records("west-1", 3);
    cluster.until_classes(&run, ["succeeded", "succeeded", "in_doubt", "in_doubt"]);
    relay.heal();
    cluster.classes_succeeded(&run);
    assert_eq!(cluster.class_attempts(&run), [2, 1, 1, 1]);
    assert_eq!(cluster.witness("late").len(), 1, "{}", cluster.show(&late));
    assert!(attempts(&cluster.step(&late, "late")) <= 2);
}

#[test]
fn p01_a_leader_that_cannot_reach_an_agent_does_not_count_what_it_hears_as_life() {
    one_way_is_cut(Way::Down);
}

#[test]
fn p02_an_agent_that_cannot_reach_the_leader_begins_nothing_and_is_heard_late() {
    one_way_is_cut(Way::Up);
}

#[test]
fn p03_what_ended_while_the_wire_was_cut_is_reported_when_it_heals() {
    let (mut cluster, relay) = wired("lease_ms = 30000\nrenew_ms = 300\n");
    let run = cluster.classes_under_way();
    cut(&mut cluster, &relay, &[Way::Up, Way::Down]);
    cluster.let_go("go");
    cluster.until_exit_records("west-1", 4);
    cluster.until_classes(&run, ["running"; 4]);
    relay.heal();
    cluster.classes_succeeded(&run);
    assert_eq!(cluster.class_attempts(&run), [1; 4]);
}
