//! There and back: the planned switchover, the failback with its rebuild, the drill, and what synchronous replication proves.

use crate::lab::{Frozen, Lab, scenario};

#[test]
fn a_switchover_loses_no_order_though_the_leader_dies_in_it() {
    let Some(mut lab) = Lab::up() else { return };
    let startup = Frozen::freeze(lab.database_process("west", "startup"));
    // The standby cannot replay: nothing is promoted before it has.
    let run = lab.start("switchover", ["east", "west"]);
    lab.cluster.until_step(&run, "caught-up", "running");
    lab.cluster.replace_leader();
    assert_eq!(lab.sql("west", "SELECT pg_is_in_recovery()"), "t");
    drop(startup);
    lab.until_succeeded(&run);
    let verdict = lab.is_in_charge("west", &run);
    assert_eq!(verdict["orders"]["missing"], 0, "{verdict:#}");
    assert_eq!(verdict["timelines"]["histories"], 1, "{verdict:#}");
    assert_eq!(verdict["zone_changes"], 1, "{verdict:#}");
    let follows = "SELECT state FROM pg_stat_replication WHERE application_name = 'east'";
    assert_eq!(lab.sql("west", follows), "streaming");
}

/// After a failover: the old region is rebuilt, follows, and the shop goes back without losing an order.
fn there_and_back(how: &str) {
    let Some(lab) = Lab::up() else { return };
    lab.lose("east", "0.5");
    let away = lab.start_failover(&[]);
    lab.has_failed_over(&away);
    let missing = lab.verdict("west", &away)["orders"]["missing"].clone();
    let switchover = scenario("plans/switchover.yaml").display().to_string();
    lab.cluster.baton(&["plan", "register", &switchover]).well();
    let back = lab.start_back(how);
    lab.cluster.until_step(&back, "go-ahead", "awaiting_approval");
    assert_eq!(lab.sql("east", "SELECT pg_is_in_recovery()"), "t", "it follows");
    lab.is_in_charge("west", &back);
    lab.cluster.baton(&["run", "approve", &back, "go-ahead"]).well();
    lab.until_succeeded(&back);
    let verdict = lab.is_in_charge("east", &back);
    assert_eq!(verdict["orders"]["missing"], missing, "nothing more is lost on the way back: {verdict:#}");
    assert_eq!(verdict["timelines"]["timeline"], 3, "{verdict:#}");
    assert_eq!(verdict["zone_changes"], 2, "{verdict:#}");
    for (region, slots) in [("east", "west"), ("west", "")] {
        let found =
            lab.sql(region, "SELECT coalesce(string_agg(slot_name, ','), '') FROM pg_replication_slots");
        assert_eq!(found, slots, "a slot that nobody uses holds WAL for ever: {region}");
    }
}

#[test]
fn the_old_primary_is_restored_and_the_shop_goes_back() {
    there_and_back("how=restore");
}

#[test]
fn the_old_primary_is_rewound_and_the_shop_goes_back() {
    there_and_back("how=rewind");
}

#[test]
fn a_drill_touches_nothing_of_production() {
    let Some(lab) = Lab::up() else { return };
    let before = lab.is_in_charge("east", "none");
    let run = lab.start("drill", ["west", "east"]);
    lab.until_succeeded(&run);
    let orders = lab.cluster.step(&run, "count")["outputs"]["behind"].clone();
    assert!(orders.as_str().and_then(|behind| behind.parse::<u64>().ok()).is_some(), "{orders}");
    let after = lab.is_in_charge("east", "none");
    for what in ["timelines", "backups", "zone"] {
        assert_eq!(before[what], after[what], "{what}");
    }
    assert_eq!(after["orders"]["refused"], 0, "{after:#}");
    assert!(!lab.path("drill").exists() && !lab.path("pids/postgres-drill").exists());
    let served = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
    assert_eq!(lab.sql("east", served), "1");
}

#[test]
fn nothing_lost_is_believed_where_it_is_proven() {
    let Some(lab) = Lab::up() else { return };
    lab.lab("sync", &["on"]);
    let beat =
        "SELECT sync AND clock_timestamp() - at < interval '0.3 s' FROM heartbeat WHERE region = 'east'";
    lab.cluster.until("commits to wait for west", || lab.sql("west", beat) == "t");
    lab.until_acknowledged(20);
    lab.cluster.until("a beat that has just come", || lab.sql("west", beat) == "t");
    lab.lose("east", "0.1");
    let run = lab.start_failover_with("rpo: 2s", "rpo: 0s");
    // The new primary would wait for a standby that is gone.
    lab.cluster.until_step(&run, "alone", "awaiting_approval");
    lab.cluster.baton(&["run", "approve", &run, "alone"]).well();
    let verdict = lab.has_failed_over(&run);
    let proof = lab.cluster.step(&run, "rpo")["outputs"]["proof"].clone();
    assert!(proof == "sync" || proof == "disk", "{proof}");
    assert_eq!(verdict["orders"]["missing"], 0, "what was acknowledged had been received: {verdict:#}");
}

#[test]
fn nothing_lost_is_not_believed_without_proof() {
    let Some(lab) = Lab::up() else { return };
    // It says that it is synchronous. It was not when its last orders came.
    lab.lab("sync", &["on"]);
    lab.cluster.until("commits to wait for west", || {
        lab.sql("west", "SELECT sync FROM heartbeat WHERE region = 'east'") == "t"
    });
    lab.lab("sync", &["off"]);
    lab.cluster.until("commits to wait no longer", || {
        lab.sql("west", "SELECT sync FROM heartbeat WHERE region = 'east'") == "f"
    });
    lab.until_acknowledged(20);
    lab.lose("east", "0.5");
    let run = lab.start_failover_with("rpo: 2s", "rpo: 0s");
    lab.cluster.until_step(&run, "rpo-gate", "awaiting_approval");
    assert_eq!(lab.cluster.step(&run, "rpo")["outputs"]["proof"], "measured");
    assert_eq!(lab.sql("west", "SELECT pg_is_in_recovery()"), "t");
    lab.cluster.baton(&["run", "override", &run, "rpo-gate", "--reason", "half a second is bearable"]).well();
    let verdict = lab.has_failed_over(&run);
    assert!(verdict["orders"]["missing"].as_u64() > Some(0), "the gate was right: {verdict:#}");
}
