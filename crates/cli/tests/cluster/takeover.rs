//! Part 5 of the main job: whoever dies, a follower or another agent goes on, and nothing that
//! must not be repeated is repeated.

use rustix::process::Signal;

use crate::support::Cluster;

/// Leases short enough for a test to wait for their end.
pub(crate) const SHORT_LEASES: &str = "lease_ms = 1500\nrenew_ms = 300\n";
pub(crate) const REGIONS: [(&str, &str); 3] = [("east-1", "east"), ("west-1", "west"), ("north-1", "north")];

/// Four chains of five steps that are not idempotent; each appends a line to a file of its chain.
fn chains(cluster: &Cluster) -> String {
    let mut spec = String::from("  onFailure: stop\n  steps:\n");
    for chain in 0..4 {
        for link in 0..5 {
            let needs = if link == 0 { String::new() } else { format!("c{chain}-{}", link - 1) };
            let region = ["east", "west", "north"][(chain + link) % 3];
            let witness = cluster.path(&format!("chain-{chain}"));
            spec += &format!(
                "    - {{name: c{chain}-{link}, needs: [{needs}], region: {region}, idempotent: false, \
                 command: 'echo \"$BATON_STEP $BATON_TOKEN\" >> {}; sleep 0.2'}}\n",
                witness.display()
            );
        }
    }
    spec
}

/// Each chain's steps stand in its file once, in order, and their tokens rise.
fn each_once_and_in_order(cluster: &Cluster) {
    for chain in 0..4 {
        let lines = cluster.witness(&format!("chain-{chain}"));
        let steps: Vec<_> = lines.iter().map(|line| line.split(' ').next().expect("a step")).collect();
        let expected: Vec<_> = (0..5).map(|link| format!("c{chain}-{link}")).collect();
        assert_eq!(steps, expected);
        let tokens: Vec<u64> = lines
            .iter()
            .map(|line| line.split(' ').nth(1).expect("a token").parse().expect("a number"))
            .collect();
        assert!(tokens.is_sorted(), "{tokens:?}");
    }
}

#[test]
fn leaders_killed_in_the_middle_of_chains_repeat_nothing() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let spec = chains(&cluster);
    let plan = cluster.plan("chains", &spec);
    let run = cluster.run(&plan);
    for chain in 0..2 {
        cluster.until_acting(&format!("chain-{chain}"));
        let leader = cluster.leader();
        cluster.kill_server(leader);
        cluster.leader_other_than(leader);
        cluster.start_server(leader);
        cluster.until_ready();
    }
    let shown = cluster.until_run(&run, "succeeded");
    each_once_and_in_order(&cluster);
    assert!(shown["takeovers"].as_u64().is_some_and(|takeovers| takeovers >= 1), "{shown}");
    for step in shown["steps"].as_array().expect("steps") {
        assert_eq!(step["attempts"].as_array().map(Vec::len), Some(1), "{step}");
    }
}

#[test]
fn a_frozen_leader_wakes_up_and_changes_nothing() {
    let cluster = Cluster::start(&REGIONS, "");
    let spec = chains(&cluster);
    let plan = cluster.plan("chains", &spec);
    let run = cluster.run(&plan);
    cluster.until_acting("chain-0");
    let leader = cluster.leader();
    cluster.signal_server(leader, Signal::STOP);
    let others: Vec<_> =
        (1..=3).filter(|id| *id != leader).map(|id| cluster.address(id).to_owned()).collect();
    cluster.until("the run to end without the frozen leader", || {
        let shown = cluster.baton_at(&others.join(","), &["run", "show", &run, "-o", "json"]);
        shown.code == 0 && shown.json()["status"] == "succeeded"
    });
    cluster.signal_server(leader, Signal::CONT);
    // The deposed leader answers nothing of its own: what it says is what the cluster says.
    cluster.until("the old leader to know the run's end", || {
        let shown = cluster.baton_at(cluster.address(leader), &["run", "show", &run, "-o", "json"]);
        shown.code == 0 && shown.json()["status"] == "succeeded"
    });
    each_once_and_in_order(&cluster);
}

#[test]
fn a_leader_that_is_shut_down_hands_over() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let spec = chains(&cluster);
    let plan = cluster.plan("chains", &spec);
    let run = cluster.run(&plan);
    cluster.until_acting("chain-0");
    let leader = cluster.leader();
    cluster.stop_server(leader);
    cluster.until_run(&run, "succeeded");
    each_once_and_in_order(&cluster);
    assert!(cluster.log(&format!("server-{leader}")).contains("handing over"), "it did not hand over");
}

/// An agent that is lost with its host, and what becomes of its step, by the class of the step.
fn lose_the_agent_of(step: &str) -> (Cluster, String) {
    let mut cluster = Cluster::start(&[("west-1", "west")], SHORT_LEASES);
    let witness = cluster.path("witness");
    let spec = format!(
        "  steps:\n    - {{name: a, region: west, {step}, command: 'echo $BATON_TOKEN >> {0}; test -e {0}.go || sleep 600'}}\n",
        witness.display()
    );
    let plan = cluster.plan("one", &spec);
    let run = cluster.run(&plan);
    cluster.until_acting("witness");
    std::fs::write(cluster.path("witness.go"), "").expect("a file");
    cluster.lose_host("west-1");
    std::fs::remove_dir_all(cluster.data_dir("west-1")).expect("its data is gone");
    cluster.add_agent("west-2", "west", 4);
    (cluster, run)
}

#[test]
fn an_idempotent_step_of_a_lost_agent_moves_to_another() {
    let (cluster, run) = lose_the_agent_of("idempotent: true");
    cluster.until_run(&run, "succeeded");
    let step = cluster.step(&run, "a");
    let agents: Vec<_> =
        step["attempts"].as_array().expect("attempts").iter().map(|one| one["agent"].clone()).collect();
    assert_eq!(agents, ["west-1", "west-2"]);
    assert_eq!(cluster.witness("witness").len(), 2);
}

#[test]
fn a_step_with_neither_is_in_doubt_until_a_person_decides() {
    let (cluster, run) = lose_the_agent_of("idempotent: false");
    let step = cluster.until_step(&run, "a", "in_doubt");
    assert!(step["reason"].as_str().is_some_and(|reason| reason.contains("west-1")), "{step}");
    cluster.baton(&["run", "wait", &run]).with_code(6);
    cluster.baton(&["run", "resolve", &run, "a", "--as", "succeeded"]).with_code(2);
    cluster.baton(&["run", "resolve", &run, "a", "--as", "succeeded", "--reason", "I looked"]).well();
    cluster.until_run(&run, "succeeded");
    assert_eq!(cluster.witness("witness").len(), 1, "it was never attempted again");
}

#[test]
fn a_step_with_a_probe_that_happened_succeeds() {
    let (cluster, run) = lose_the_agent_of("idempotent: false, probe: {command: 'exit 0'}");
    cluster.until_run(&run, "succeeded");
    assert_eq!(cluster.witness("witness").len(), 1);
    assert_eq!(cluster.step(&run, "a")["attempts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn did_not_happen_is_no_proof_while_the_agent_is_only_silent() {
    let (mut cluster, run) = lose_the_agent_of("idempotent: false, probe: {command: 'exit 1'}");
    let step = cluster.until_step(&run, "a", "in_doubt");
    assert!(step["reason"].as_str().is_some_and(|reason| reason.contains("did not happen")), "{step}");
    // The host comes back without its data: what ran there has been ended, and now the answer counts.
    cluster.start_agent("west-1");
    cluster.until_run(&run, "succeeded");
    assert_eq!(cluster.witness("witness").len(), 2);
}
