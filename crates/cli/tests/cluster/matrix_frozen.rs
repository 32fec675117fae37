//! The matrix, rows Z: what is frozen (SIGSTOP) looks dead, and wakes up when others have gone on.
//! Z01 stands in `matrix_agents`, Z05 in `takeover`.

use std::path::PathBuf;

use rustix::process::Signal;

use crate::support::marks::{attempts, step, text};
use crate::support::{Cluster, send};
use crate::takeover::SHORT_LEASES;

const WEST: [(&str, &str); 1] = [("west-1", "west")];

/// Has a supervisor keep an attempt before whose action it is frozen, and then freezes its agent as well. Which run, and
/// what is frozen, and where it keeps the attempt.
fn frozen_before_exec(cluster: &Cluster, plan: &str, agent: &str) -> (String, u32, PathBuf) {
    let pid = cluster.agent_pid(agent);
    // Whoever has kept an attempt waits for another, and is frozen while it does.
    cluster.until_run(&cluster.run(plan), "succeeded");
    let frozen = cluster.until_some("a supervisor that waits", || supervisors(pid).pop());
    send(frozen, Signal::STOP);
    let state = || std::fs::read_to_string(format!("/proc/{frozen}/stat")).unwrap_or_default();
    cluster.until("that it is frozen", || state().contains(") T "));
    let run = cluster.run(plan);
    let attempts = cluster.data_dir(agent).join("attempts");
    let folder = cluster.until_some("its attempt", || {
        let token = cluster.step(&run, "a")["attempts"][0]["token"].as_u64()?;
        Some(attempts.join(token.to_string())).filter(|folder| folder.join("assignment").exists())
    });
    // Attempts are handed over one after the other: once a later one is over, this one has been.
    cluster.until_run(&cluster.run(plan), "succeeded");
    assert_eq!(baton_agent::seen(&folder), baton_agent::ledger::Seen::default());
    send(pid, Signal::STOP);
    (run, frozen, folder)
}

/// The supervisors that were born in an agent's cradle.
fn supervisors(agent: u32) -> Vec<u32> {
    let mut born: Vec<u32> = children(agent).into_iter().flat_map(children).collect();
    born.retain(|pid| {
        let arguments = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        arguments.split('\0').nth(1) == Some("supervise")
    });
    born
}

fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let texts = threads.map(|thread| std::fs::read_to_string(thread.path().join("children")));
    let texts: Vec<String> = texts.filter_map(Result::ok).collect();
    texts.iter().flat_map(|text| text.split_whitespace()).filter_map(|pid| pid.parse().ok()).collect()
}

/// A step of this class is frozen between Begin and exec and wakes up without a lease: while it
/// sleeps it stands so, and in the end it has acted once.
fn z02(attributes: &str, asleep: &str, told: &str) {
    let mut cluster = Cluster::start(&WEST, SHORT_LEASES);
    let act =
        "echo $BATON_TOKEN >> \"$W-$BATON_RUN\"".replace("$W", &cluster.path("w").display().to_string());
    let one = step("a", &format!("{attributes}, command: '{act}'"));
    let plan = cluster.plan("one", &format!("  steps:\n{one}"));
    let (run, frozen, folder) = frozen_before_exec(&cluster, &plan, "west-1");
    cluster.add_agent("west-2", "west", 4);
    let shown = cluster.until_step(&run, "a", asleep);
    assert!(text(&shown, "reason").contains(told), "{shown}");
    // Its agent sleeps on, so nobody renews the lease for it.
    send(frozen, Signal::CONT);
    cluster.until("its last check", || baton_agent::seen(&folder).exit.is_some());
    cluster.signal_agent("west-1", Signal::CONT);
    cluster.until_run(&run, "succeeded");
    cluster.until_ready();
    assert_eq!(cluster.witness(&format!("w-{run}")).len(), 1, "{}", cluster.show(&run));
    assert_eq!(attempts(&cluster.step(&run, "a")), 2);
}

#[test]
fn z02_frozen_between_begin_and_exec_it_wakes_up_without_a_lease_and_does_not_act() {
    z02("idempotent: false", "in_doubt", "west-1 began it and fell silent, and there is no probe to ask");
}

#[test]
fn z02_with_a_probe_did_not_happen_proves_nothing_before_it_wakes_up() {
    let probe = "probe: {command: 'exit 1'}";
    z02(&format!("idempotent: false, {probe}"), "in_doubt", "west-1 is silent and could still act on it");
}

#[test]
fn z02_what_may_be_repeated_is_done_elsewhere_and_not_once_more_when_it_wakes_up() {
    z02("idempotent: true", "succeeded", "");
}

#[test]
fn z03_an_agent_frozen_in_the_middle_reports_when_it_wakes_up() {
    let cluster = Cluster::start(&WEST, "");
    let run = cluster.classes_under_way();
    cluster.signal_agent("west-1", Signal::STOP);
    cluster.let_go("go");
    cluster.until_exit_records("west-1", 4);
    cluster.signal_agent("west-1", Signal::CONT);
    cluster.classes_succeeded(&run);
    assert_eq!(cluster.class_attempts(&run), [1; 4]);
}

#[test]
fn z03_frozen_for_longer_than_its_lease_its_late_word_ends_the_doubt() {
    let mut cluster = Cluster::start(&WEST, SHORT_LEASES);
    let run = cluster.classes_under_way();
    cluster.signal_agent("west-1", Signal::STOP);
    cluster.add_agent("west-2", "west", 4);
    cluster.until_classes(&run, ["running", "succeeded", "in_doubt", "in_doubt"]);
    cluster.let_go("go");
    cluster.until_classes(&run, ["succeeded", "succeeded", "in_doubt", "in_doubt"]);
    cluster.signal_agent("west-1", Signal::CONT);
    cluster.classes_succeeded(&run);
    assert_eq!(cluster.class_attempts(&run), [2, 1, 1, 1]);
}

#[test]
fn z04_a_whole_host_that_was_frozen_goes_on_where_that_is_safe() {
    let mut cluster = Cluster::start(&WEST, SHORT_LEASES);
    let run = cluster.classes_under_way();
    cluster.signal_host("west-1", Signal::STOP);
    cluster.add_agent("west-2", "west", 4);
    let shown = cluster.until_classes(&run, ["running", "succeeded", "in_doubt", "in_doubt"]);
    let known = text(&shown["steps"][3]["doubt"], "known").to_owned();
    assert!(known.contains("has been silent") && known.contains("may still act"), "{known}");
    cluster.signal_host("west-1", Signal::CONT);
    // The old attempt of the step that may be repeated ends with its lease; the others go on.
    cluster.until_classes(&run, ["running", "succeeded", "running", "running"]);
    cluster.let_go("go");
    cluster.classes_succeeded(&run);
    assert_eq!(cluster.class_attempts(&run), [2, 1, 1, 1]);
}
