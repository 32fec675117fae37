//! Part 4 of the main job: agents remember, and their steps outlive them.

use crate::support::{Cluster, end_everything_of};
use crate::takeover::{REGIONS, SHORT_LEASES};

/// A step that waits for a file, so that a test decides when it ends.
fn until_released(cluster: &Cluster, attributes: &str) -> String {
    let witness = cluster.path("witness").display().to_string();
    format!(
        "  steps:\n    - name: a\n      region: west\n      {attributes}\n      command: |\n        \
         echo $BATON_TOKEN >> {witness}\n        while ! test -e {witness}.go; do sleep 0.05; done\n        \
         echo said so; echo complained >&2; echo key=value >> \"$BATON_OUTPUT\"; exit 3\n"
    )
}

fn release(cluster: &Cluster) {
    std::fs::write(cluster.path("witness.go"), "").expect("a file");
}

#[test]
fn a_killed_agent_goes_on_with_its_step_and_reports_its_true_outcome() {
    let mut cluster = Cluster::start(&REGIONS, SHORT_LEASES);
    let plan = cluster.plan("one", &until_released(&cluster, "idempotent: false"));
    let run = cluster.run(&plan);
    cluster.until_acting("witness");
    cluster.kill_agent("west-1");
    cluster.start_agent("west-1");
    cluster.until_ready();
    release(&cluster);
    cluster.until_run(&run, "failed");
    let step = cluster.step(&run, "a");
    let attempts = step["attempts"].as_array().expect("attempts");
    assert_eq!(attempts.len(), 1, "{step}");
    assert_eq!(
        (attempts[0]["outcome"].as_str(), attempts[0]["exit_code"].as_i64()),
        (Some("failed"), Some(3))
    );
    assert_eq!(attempts[0]["stdout"], "said so\n");
    assert_eq!(attempts[0]["stderr"], "complained\n");
    assert_eq!(cluster.witness("witness").len(), 1);
}

#[test]
fn an_agent_that_is_away_longer_than_its_lease_settles_its_own_doubt() {
    let mut cluster = Cluster::start(&REGIONS, SHORT_LEASES);
    let plan = cluster.plan("one", &until_released(&cluster, "idempotent: false"));
    let run = cluster.run(&plan);
    cluster.until_acting("witness");
    cluster.kill_agent("west-1");
    cluster.until_step(&run, "a", "in_doubt");
    release(&cluster);
    cluster.start_agent("west-1");
    cluster.until_run(&run, "failed");
    let step = cluster.step(&run, "a");
    assert_eq!(step["attempts"].as_array().map(Vec::len), Some(1), "{step}");
    assert_eq!(cluster.witness("witness").len(), 1);
}

#[test]
fn a_step_whose_supervisor_is_killed_is_in_doubt_and_nothing_of_it_is_left() {
    let cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("one", &until_released(&cluster, "idempotent: false"));
    let run = cluster.run(&plan);
    cluster.until_acting("witness");
    end_everything_of(&cluster.data_dir("west-1"));
    let step = cluster.until_step(&run, "a", "in_doubt");
    assert_eq!(step["attempts"][0]["outcome"], "unknown", "{step}");
    release(&cluster);
    cluster.baton(&["run", "resolve", &run, "a", "--as", "retry", "--reason", "it was killed"]).well();
    cluster.until_run(&run, "failed");
    assert_eq!(cluster.witness("witness").len(), 2);
}

#[test]
fn a_lost_journal_leaves_a_doubt_and_a_swept_host() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("one", &until_released(&cluster, "idempotent: false"));
    let run = cluster.run(&plan);
    cluster.until_acting("witness");
    cluster.kill_agent("west-1");
    std::fs::remove_dir_all(cluster.data_dir("west-1")).expect("its data is gone");
    cluster.start_agent("west-1");
    let step = cluster.until_step(&run, "a", "in_doubt");
    assert!(step["reason"].as_str().is_some_and(|reason| reason.contains("journal")), "{step}");
}

#[test]
fn outputs_reach_the_steps_that_need_them() {
    let cluster = Cluster::start(&REGIONS, "");
    let spec = concat!(
        "  params: {greeting: {type: string, default: hello}}\n  steps:\n",
        "    - {name: one, region: east, idempotent: true, command: 'echo word=$BATON_PARAM_GREETING >> $BATON_OUTPUT'}\n",
        "    - {name: two, needs: [one], region: west, idempotent: true, command: [echo, 'said ${steps.one.outputs.word}']}\n",
        "    - {name: three, needs: [one], region: north, idempotent: true, command: 'echo \"$BATON_OUTPUT_ONE_WORD $BATON_ATTEMPT $BATON_REGION\"'}\n",
    );
    let plan = cluster.plan("talk", spec);
    let shown = cluster.baton(&["run", "start", &plan, "--wait", "-o", "json"]).well().json();
    let stdout = |step: usize| shown["steps"][step]["attempts"][0]["stdout"].clone();
    assert_eq!(shown["steps"][0]["outputs"]["word"], "hello");
    assert_eq!((stdout(1), stdout(2)), ("said hello\n".into(), "hello 1 north\n".into()));
}

#[test]
fn an_agent_runs_no_more_than_its_slots() {
    let mut cluster = Cluster::start(&[], "");
    cluster.add_agent("west-1", "west", 2);
    cluster.until_ready();
    let busy = cluster.path("busy").display().to_string();
    let mut spec = String::from("  steps:\n");
    for step in 0..6 {
        // Each marks itself, counts the marks, and takes its mark away.
        spec += &format!(
            "    - {{name: s{step}, region: west, idempotent: true, command: 'mkdir -p {busy}; touch {busy}/{step}; \
             ls {busy} | wc -l >> {busy}.count; sleep 0.2; rm {busy}/{step}'}}\n"
        );
    }
    let plan = cluster.plan("busy", &spec);
    cluster.baton(&["run", "start", &plan, "--wait"]).well();
    let most = cluster.witness("busy.count").iter().filter_map(|line| line.trim().parse::<u32>().ok()).max();
    assert_eq!(most, Some(2));
}

#[test]
fn a_timeout_ends_the_whole_tree_and_leaves_a_doubt() {
    let cluster = Cluster::start(&REGIONS, "");
    let pid = cluster.path("pid");
    let spec = format!(
        "  steps:\n    - {{name: a, region: west, idempotent: false, timeout: 500ms, command: 'sleep 600 & echo $! > {}; wait'}}\n",
        pid.display()
    );
    let plan = cluster.plan("slow", &spec);
    let run = cluster.run(&plan);
    let step = cluster.until_step(&run, "a", "in_doubt");
    assert!(step["reason"].as_str().is_some_and(|reason| reason.contains("timed out")), "{step}");
    let grandchild = cluster.witness("pid")[0].clone();
    let state = std::fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "the grandchild lives: {state}");
}
