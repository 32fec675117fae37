//! Unplanned failovers in which something else goes wrong: a second operator, a load balancer that cannot be spoken to, a full
//! archive.

use serde_json::Value;

use crate::lab::{Frozen, Lab};

/// What somebody does at the name server by hand.
const MOVE: &str = r#"printf '%s\n' "server $DNS $DNS_PORT" "zone shop.test" "update del app.shop.test. A" \
    "update add app.shop.test. 2 A $3" send | knsupdate -t 3 -k "$LAB/dns/key""#;

fn attempts(step: &Value) -> usize {
    step["attempts"].as_array().map_or(0, Vec::len)
}

#[test]
fn a_second_operator_moves_the_record_in_the_middle() {
    let Some(lab) = Lab::up() else { return };
    lab.lose("east", "0.5");
    let balancer = lab.until_process(&format!("haproxy -db -f {}/west", lab.folder()));
    let balancer = Frozen::freeze(balancer);
    let run = lab.start_failover(&[]);
    lab.cluster.until_step(&run, "balancer-up", "running");
    let (net, page) = (lab.net(), format!("{}.9.9", lab.net()));
    lab.by_hand(MOVE, &[&page]);
    drop(balancer);

    // Compare and set: what somebody else has changed is not changed over his head, however often it is tried.
    let refused = lab.cluster.until_step(&run, "move-dns", "failed");
    assert!(attempts(&refused) > 1, "{refused:#}");
    let why = format!("app.shop.test is {page}, where {net}.1.30 was expected; nothing was changed");
    assert!(refused.to_string().contains(&why), "{refused:#}");
    assert_eq!(lab.by_hand("zone", &[]), page);
    assert_eq!(lab.cluster.show(&run)["status"], "paused");

    // They talk, the record is put back, and the run goes on.
    lab.by_hand(MOVE, &[&format!("{net}.1.30")]);
    lab.cluster.baton(&["run", "retry", &run, "move-dns"]).well();
    lab.until_succeeded(&run);
    lab.has_failed_over_with(&run, 3);
}

#[test]
fn the_lost_load_balancer_cannot_be_spoken_to() {
    let Some(lab) = Lab::up() else { return };
    std::fs::remove_file(lab.path("east/haproxy.sock")).expect("its socket");
    lab.lose("east", "0.5");
    let run = lab.start_failover(&[]);
    lab.has_failed_over(&run);
    let shown = lab.cluster.show(&run);
    assert_eq!(shown["exceptions"], 1, "{shown:#}");
    let fence = lab.cluster.step(&run, "fence-balancer");
    assert_eq!(fence["status"], "failed", "{fence:#}");
    assert!(fence.to_string().contains("No such file or directory"), "{fence:#}");
}

#[test]
fn the_archive_is_full_and_customers_are_served_all_the_same() {
    let Some(lab) = Lab::up_with_repository("64m") else { return };
    lab.by_hand("as_owner dd if=/dev/zero of=\"$LAB/repo/ballast\" bs=64k 2> /dev/null", &[]);
    lab.lose("east", "0.5");
    let (often, once) =
        ("retry: {attempts: 5, backoff: 2s, maxBackoff: 10s}", "retry: {attempts: 2, backoff: 500ms}");
    let run = lab.start_failover_with(often, once);
    lab.cluster.until_step(&run, "verify-order", "succeeded");
    let failed = lab.cluster.until_step(&run, "backup", "failed");
    assert_eq!(attempts(&failed), 2, "{failed:#}");
    assert_eq!(lab.cluster.show(&run)["status"], "paused");
    lab.is_in_charge("west", &run);

    // Room is made, and only the backup is done once more.
    std::fs::remove_file(lab.path("repo/ballast")).expect("the ballast");
    lab.cluster.baton(&["run", "retry", &run, "backup"]).well();
    lab.has_failed_over(&run);
}
