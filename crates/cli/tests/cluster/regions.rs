//! Lost regions: a person's word that nothing in one can act any more, and what follows from it.

use crate::support::Cluster;
use crate::support::marks::{attempts, step, text};
use crate::takeover::SHORT_LEASES;

const REGIONS: [(&str, &str); 2] = [("west-1", "west"), ("east-1", "east")];

/// A step of west that is in the middle of its work.
fn begun(cluster: &Cluster, plan: &str, attributes: &str) -> String {
    let work = format!("{}; test -e {} || sleep 600", cluster.mark(plan), cluster.path("over").display());
    let plan =
        cluster.plan(plan, &format!("  steps:\n{}", step("a", &format!("{attributes}, command: '{work}'"))));
    let run = cluster.run(&plan);
    cluster.until_acting(&plan);
    run
}

#[test]
fn g01_g02_what_was_in_a_lost_region_is_settled_from_elsewhere() {
    let mut cluster = Cluster::start(&REGIONS, SHORT_LEASES);
    let probe = |code| format!("idempotent: false, probe: {{command: 'exit {code}'}}");
    let again = begun(&cluster, "again", "idempotent: true");
    let strict = begun(&cluster, "strict", "idempotent: true, strict: true");
    let happened = begun(&cluster, "happened", &probe(0));
    let not = begun(&cluster, "did-not", &probe(1));
    cluster.let_go("over");
    cluster.lose_host("west-1");
    let waits = cluster
        .plan("waits", "  steps:\n    - {name: a, region: west, idempotent: false, command: 'true'}\n");
    let waits = cluster.run(&waits);
    // Nobody has said so yet: what may not be repeated waits, and what has not begun as well.
    cluster.until("the silence to be noticed", || {
        let reason = text(&cluster.show(&waits), "reason").to_owned();
        reason.contains("no agent in west is live")
    });
    cluster.until_step(&not, "a", "in_doubt");
    let told = cluster.step(&not, "a")["doubt"].to_string();
    assert!(told.contains("declare-lost west") && told.contains("west-1"), "{told}");
    cluster.baton(&["region", "declare-lost", "west", "--reason", "it burnt down"]).well();
    for run in [&again, &strict, &happened, &not, &waits] {
        cluster.until_run(run, "succeeded");
    }
    let seen = ["again", "strict", "happened", "did-not"].map(|plan| cluster.witness(plan).len());
    assert_eq!(seen, [2, 2, 1, 2]);
    let last = cluster.step(&not, "a")["attempts"][1].clone();
    assert_eq!(text(&last, "agent"), "east-1", "{last}");
    let listed = cluster.baton(&["region", "list", "-o", "json"]).well().json();
    let west = listed["regions"].as_array().expect("regions").iter().find(|one| one["region"] == "west");
    assert_eq!(west.map(|west| text(&west["lost"], "reason")), Some("it burnt down"), "{listed}");
}

#[test]
fn g02_what_nobody_can_know_stays_in_doubt_and_a_restored_region_takes_part_again() {
    let mut cluster = Cluster::start(&REGIONS, SHORT_LEASES);
    let run = begun(&cluster, "once", "idempotent: false");
    let home =
        "  steps:\n    - {name: a, region: west, elsewhere: false, idempotent: true, command: 'true'}\n";
    let home = cluster.plan("home", home);
    cluster.let_go("over");
    cluster.lose_host("west-1");
    cluster.baton(&["region", "declare-lost", "west", "--reason", "it is off"]).well();
    cluster.replace_leader();
    let step = cluster.until_step(&run, "a", "in_doubt");
    assert_eq!(attempts(&step), 1, "{step}");
    let told = step["doubt"].to_string();
    assert!(told.contains("region restore west") && told.contains("the attempt can act no more"), "{told}");
    // What makes sense only there fails instead of going elsewhere.
    cluster.run_to_end(&home, 8);
    // An agent that comes back is given nothing before the region is restored.
    cluster.start_agent("west-1");
    cluster.until_ready();
    cluster.run_to_end(&home, 8);
    cluster.baton(&["region", "restore", "west", "--reason", "it is back"]).well();
    cluster.run_to_end(&home, 0);
    cluster.baton(&["run", "resolve", &run, "a", "--as", "retry", "--reason", "it is clean"]).well();
    cluster.until_run(&run, "succeeded");
    let step = cluster.step(&run, "a");
    assert_eq!((attempts(&step), cluster.witness("once").len()), (2, 2), "{step}");
    assert_eq!(text(&step["attempts"][1], "agent"), "west-1", "{step}");
}
