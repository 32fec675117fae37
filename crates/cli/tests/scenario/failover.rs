//! Unplanned failovers under write load, with somebody dying at the worst moment.

use crate::dns::{Answers, Relay};
use crate::lab::{Frozen, Lab};

/// A wire to the laboratory's name server.
fn relay(lab: &Lab) -> Relay {
    Relay::to(&format!("{}.3.53:5353", lab.net()))
}

#[test]
fn the_leader_dies_before_promotion_dns_and_backup() {
    let Some(mut lab) = Lab::up() else { return };
    // More than the plan's objective: the gate does not hold.
    lab.lose("east", "2.6");
    let balancer = lab.until_process(&format!("haproxy -db -f {}/west", lab.folder()));
    let (balancer, checkpointer) = (Frozen::freeze(balancer), lab.database_process("west", "checkpointer"));
    let run = lab.start_failover(&[]);
    lab.cluster.until_step(&run, "rpo-gate", "awaiting_approval");
    let refused = lab.gate_number(&run);
    assert!(refused > 2.0, "{refused}");
    lab.cluster.replace_leader();
    assert_eq!(lab.sql("west", "SELECT pg_is_in_recovery()"), "t", "nothing is promoted above the objective");
    let checkpointer = Frozen::freeze(checkpointer);
    let over = ["run", "override", &run, "rpo-gate", "--reason", "two seconds are less than an hour"];
    lab.cluster.baton(&over).well();

    lab.cluster.until_step(&run, "promote", "succeeded");
    lab.cluster.until_step(&run, "balancer-up", "running");
    lab.cluster.replace_leader();
    drop(balancer);

    lab.cluster.until_step(&run, "verify-order", "succeeded");
    lab.cluster.until_step(&run, "checkpoint", "running");
    lab.cluster.replace_leader();
    drop(checkpointer);
    let verdict = lab.has_failed_over(&run);
    assert!(verdict["orders"]["missing"].as_u64() > Some(10), "the lag was real: {verdict:#}");
    let gate = lab.cluster.step(&run, "rpo-gate");
    assert!(gate.to_string().contains("two seconds are less than an hour"), "{gate:#}");
}

#[test]
fn the_leader_dies_during_promotion_dns_and_backup() {
    let Some(mut lab) = Lab::up() else { return };
    let relay = relay(&lab);
    relay.set(Answers::Hold);
    lab.lose("east", "0.5");
    let startup = Frozen::freeze(lab.database_process("west", "startup"));
    let run = lab.start_failover(&[&relay.param()]);
    lab.until_promoting("west");
    lab.cluster.replace_leader();
    drop(startup);

    lab.cluster.until("the zone to be changed", || relay.seen() > 0);
    lab.cluster.replace_leader();
    relay.set(Answers::Pass);

    let backup = lab.until_process(&format!("^pgbackrest .*{}/west.* backup$", lab.folder()));
    let backup = Frozen::freeze(backup);
    lab.cluster.replace_leader();
    drop(backup);
    lab.has_failed_over(&run);
    for step in ["promote", "backup"] {
        let attempts = lab.cluster.step(&run, step)["attempts"].as_array().map(Vec::len);
        assert_eq!(attempts, Some(1), "{step}: a leader's death makes nothing doubtful");
    }
}

#[test]
fn the_leader_dies_after_promotion_dns_and_backup() {
    let Some(mut lab) = Lab::up() else { return };
    lab.lose("east", "0.5");
    let run = lab.start_failover(&[]);
    for step in ["promote", "move-dns", "backup"] {
        lab.cluster.until_step(&run, step, "succeeded");
        lab.cluster.replace_leader();
    }
    lab.has_failed_over(&run);
}

#[test]
fn the_agent_dies_in_the_middle_of_the_promotion() {
    let Some(mut lab) = Lab::up() else { return };
    lab.lose("east", "0.5");
    let startup = Frozen::freeze(lab.database_process("west", "startup"));
    let run = lab.start_failover(&[]);
    lab.until_promoting("west");
    lab.cluster.kill_agent("west-1");
    drop(startup);
    lab.cluster.until("the promotion", || lab.sql("west", "SELECT pg_is_in_recovery()") == "f");
    lab.cluster.start_agent("west-1");
    lab.has_failed_over(&run);
    assert_eq!(lab.cluster.step(&run, "promote")["attempts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_agent_s_host_dies_in_the_middle_of_the_promotion() {
    let Some(mut lab) = Lab::up() else { return };
    lab.lose("east", "0.5");
    let startup = Frozen::freeze(lab.database_process("west", "startup"));
    let run = lab.start_failover(&[]);
    lab.until_promoting("west");
    // The one who asked is gone with its answer. What it asked for happens all the same.
    lab.cluster.lose_host("west-1");
    drop(startup);
    lab.cluster.until("the promotion", || lab.sql("west", "SELECT pg_is_in_recovery()") == "f");
    lab.cluster.start_agent("west-1");
    lab.has_failed_over(&run);
}

#[test]
fn the_name_server_s_answer_is_lost() {
    let Some(lab) = Lab::up() else { return };
    let relay = relay(&lab);
    relay.set(Answers::Drop);
    lab.lose("east", "0.5");
    let run = lab.start_failover(&[&relay.param()]);
    // No answer to an update ever comes back: that traffic has moved is found out by asking.
    lab.has_failed_over(&run);
    assert!(relay.seen() > 0);
}

#[test]
fn the_promotion_takes_longer_than_its_wait() {
    let Some(lab) = Lab::up() else { return };
    lab.lose("east", "0.5");
    let startup = Frozen::freeze(lab.database_process("west", "startup"));
    let run = lab.start_failover_with("pg_promote(true, 10)", "pg_promote(true, 1)");
    lab.cluster.until("a second attempt", || {
        lab.cluster.step(&run, "promote")["attempts"].as_array().is_some_and(|all| all.len() > 1)
    });
    drop(startup);
    lab.has_failed_over(&run);
}
