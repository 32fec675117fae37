//! The matrix, rows A01 to A09: agents, supervisors and steps that die, and data that is lost or
//! copied.

use rustix::process::Signal;

use crate::support::marks::{statuses, step, text};
use crate::support::{Cluster, end_everything_of};
use crate::takeover::SHORT_LEASES;

const WEST: [(&str, &str); 1] = [("west-1", "west")];

/// A run whose steps were granted to an agent that is frozen, so none of them has begun.
fn granted_to_a_frozen_agent(settings: &str) -> (Cluster, String) {
    let cluster = Cluster::start(&WEST, settings);
    cluster.signal_agent("west-1", Signal::STOP);
    cluster.let_go("go");
    let run = cluster.classes();
    cluster.until_classes(&run, ["running"; 4]);
    (cluster, run)
}

#[test]
fn a01_an_agent_that_dies_before_begin_and_comes_back_begins_then() {
    let (mut cluster, run) = granted_to_a_frozen_agent("");
    cluster.kill_agent("west-1");
    cluster.start_agent("west-1");
    cluster.classes_succeeded(&run);
    assert_eq!(cluster.witness("i").len(), 1);
}

#[test]
fn a01_what_an_agent_had_not_begun_when_it_died_is_granted_elsewhere() {
    let (mut cluster, run) = granted_to_a_frozen_agent(SHORT_LEASES);
    cluster.add_agent("west-2", "west", 4);
    cluster.kill_agent("west-1");
    cluster.classes_succeeded(&run);
    assert_eq!((cluster.class_attempts(&run), cluster.witness("i").len()), ([2; 4], 1));
    let first = cluster.step(&run, "n")["attempts"][0].clone();
    assert_eq!((text(&first, "agent"), first["begun"].as_bool()), ("west-1", Some(false)));
    assert!(text(&first, "reason").contains("never started"), "{first}");
}

#[test]
fn z01_an_agent_frozen_before_begin_wakes_up_after_the_revoke_and_runs_nothing() {
    let (mut cluster, run) = granted_to_a_frozen_agent(SHORT_LEASES);
    cluster.add_agent("west-2", "west", 4);
    cluster.classes_succeeded(&run);
    cluster.signal_agent("west-1", Signal::CONT);
    cluster.until_ready();
    cluster.until("the old attempts to be given up", || {
        let status = cluster.baton(&["agent", "list", "-o", "json"]).well().json();
        status["agents"].as_array().is_some_and(|agents| agents.iter().all(|agent| agent["running"] == 0))
    });
    cluster.classes_succeeded(&run);
    assert_eq!(cluster.witness("i").len(), 1);
}

#[test]
fn a04_steps_outlive_their_agent_and_are_adopted() {
    let mut cluster = Cluster::start(&WEST, "");
    let run = cluster.classes_under_way();
    cluster.kill_agent("west-1");
    cluster.start_agent("west-1");
    cluster.until_ready();
    cluster.let_go("go");
    cluster.classes_succeeded(&run);
    assert_eq!(cluster.class_attempts(&run), [1; 4]);
}

#[test]
fn a05_an_agent_dies_with_its_steps_and_each_class_goes_its_way() {
    let mut cluster = Cluster::start(&WEST, "");
    let run = cluster.classes_under_way();
    cluster.lose_host("west-1");
    cluster.let_go("go");
    cluster.start_agent("west-1");
    // Its journal proves that nothing acts any more, so "it did not happen" counts, and only then.
    let shown = cluster.until_classes(&run, ["succeeded", "succeeded", "succeeded", "in_doubt"]);
    assert_eq!(cluster.class_attempts(&run), [2, 1, 2, 1]);
    let doubt = &shown["steps"][3]["doubt"];
    assert!(text(doubt, "known").contains("the attempt can act no more"), "{doubt}");
    assert!(text(&shown, "reason").contains("in doubt: n"), "{shown}");
    cluster.baton(&["run", "wait", &run]).with_code(6);
    cluster.baton(&["run", "resolve", &run, "n", "--as", "succeeded", "--reason", "I looked"]).well();
    cluster.classes_succeeded(&run);
}

#[test]
fn a05_of_an_undo_each_class_goes_its_way_and_the_run_is_stuck() {
    let mut cluster = Cluster::start(&WEST, "");
    let undo = |name: &str, class: &str| {
        let act = format!("{}; {}", cluster.mark(name), cluster.held_by("go"));
        step(name, &format!("idempotent: true, command: 'true', undo: {{{class}, command: '{act}'}}"))
    };
    let probe = format!("probe: {{command: 'test -s {}'}}", cluster.path("p").display());
    let steps = [
        undo("i", "idempotent: true"),
        undo("p", &format!("idempotent: false, {probe}")),
        undo("n", "idempotent: false"),
    ];
    let plan = cluster.plan("back", &format!("  steps:\n{}", steps.concat()));
    let run = text(&cluster.run_to_end(&plan, 0), "run").to_owned();
    cluster.baton(&["run", "undo", &run]).well();
    ["i", "p", "n"].iter().for_each(|name| cluster.until_acting(name));
    cluster.lose_host("west-1");
    cluster.let_go("go");
    cluster.start_agent("west-1");
    let shown = cluster.until_run(&run, "stuck");
    cluster.baton(&["run", "wait", &run]).with_code(6);
    assert_eq!(statuses(&cluster.show(&run)).join(", "), "i undone, p undone, n in_doubt");
    assert!(text(&shown, "reason").contains("in doubt: n"), "{shown}");
    cluster.baton(&["run", "resolve", &run, "n", "--as", "succeeded", "--reason", "I looked"]).well();
    cluster.baton(&["run", "wait", &run]).with_code(9);
    assert_eq!(["i", "p", "n"].map(|name| cluster.witness(name).len()), [2, 1, 1]);
}

#[test]
fn a05_a_killed_supervisor_takes_its_step_along() {
    let cluster = Cluster::start(&WEST, "");
    let run = cluster.classes_under_way();
    end_everything_of(&cluster.data_dir("west-1"));
    cluster.let_go("go");
    cluster.until_classes(&run, ["succeeded", "succeeded", "succeeded", "in_doubt"]);
    cluster.baton(&["run", "resolve", &run, "n", "--as", "failed", "--reason", "the vault is gone"]).well();
    cluster.until_run(&run, "failed");
    assert_eq!(["p", "q", "n"].map(|class| cluster.witness(class).len()), [1, 1, 1]);
}

#[test]
fn a06_a07_an_agent_that_dies_before_it_could_report_reports_when_it_is_back() {
    let mut cluster = Cluster::start(&WEST, "");
    let run = cluster.classes_under_way();
    (1..=3).for_each(|id| cluster.signal_server(id, Signal::STOP));
    cluster.let_go("go");
    cluster.until_exit_records("west-1", 4);
    cluster.kill_agent("west-1");
    cluster.start_agent("west-1");
    (1..=3).for_each(|id| cluster.signal_server(id, Signal::CONT));
    cluster.classes_succeeded(&run);
    assert_eq!(cluster.class_attempts(&run), [1; 4]);
}

#[test]
fn a08_a_lost_journal_on_the_same_host_sweeps_it_and_each_class_goes_its_way() {
    let mut cluster = Cluster::start(&WEST, "");
    let run = cluster.classes_under_way();
    cluster.kill_agent("west-1");
    std::fs::remove_dir_all(cluster.data_dir("west-1")).expect("its data is gone");
    cluster.start_agent("west-1");
    cluster.let_go("go");
    let shown = cluster.until_classes(&run, ["succeeded", "succeeded", "succeeded", "in_doubt"]);
    assert!(text(&shown["steps"][3], "reason").contains("journal"), "{shown}");
    cluster.baton(&["run", "resolve", &run, "n", "--as", "succeeded", "--reason", "I looked"]).well();
    cluster.classes_succeeded(&run);
}

#[test]
fn a09_a_copied_agent_is_refused_while_the_first_lives_and_while_its_steps_are_undecided() {
    let mut cluster = Cluster::start(&WEST, SHORT_LEASES);
    let run = cluster.classes_under_way();
    cluster.clone_agent("west-1", "copy");
    cluster.until("the copy to be refused", || cluster.log("agent-copy").contains("connected already"));
    cluster.until_classes(&run, ["running"; 4]);
    // The first dies with its steps, and its copy knows nothing of their end.
    cluster.lose_host("west-1");
    let shown = cluster.until_classes(&run, ["running", "in_doubt", "in_doubt", "in_doubt"]);
    assert!(text(&shown["steps"][3], "reason").contains("fell silent"), "{shown}");
    cluster
        .until("the copy to be refused again", || cluster.log("agent-copy").contains("from another place"));
    cluster.start_agent("west-1");
    cluster.let_go("go");
    cluster.until_classes(&run, ["succeeded", "succeeded", "succeeded", "in_doubt"]);
}
