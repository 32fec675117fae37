//! Part 7 of the main job: what operators ask of a run, and the exit codes of the contract.

use crate::support::{Cluster, say};
use crate::takeover::REGIONS;

fn waiting_for(cluster: &Cluster, extra: &str) -> String {
    let go = cluster.path("go").display().to_string();
    format!(
        "{extra}  steps:\n    - {{name: a, region: west, idempotent: true, command: 'while ! test -e {go}; do sleep 0.05; done'}}\n    \
         - {{name: b, needs: [a], region: west, idempotent: true, command: 'test -e {go}.b'}}\n"
    )
}

fn touch(cluster: &Cluster, name: &str) {
    std::fs::write(cluster.path(name), "").expect("a file");
}

#[test]
fn pause_holds_what_has_not_begun_and_resume_lets_it_go() {
    let cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("held", &waiting_for(&cluster, ""));
    let run = cluster.run(&plan);
    cluster.until_step(&run, "a", "running");
    cluster.baton(&["run", "pause", &run]).well();
    // A decision that stands already is no error.
    cluster.baton(&["run", "pause", &run]).well();
    touch(&cluster, "go");
    touch(&cluster, "go.b");
    cluster.until_step(&run, "a", "succeeded");
    let shown = cluster.show(&run);
    assert_eq!(
        (shown["status"].as_str(), shown["steps"][1]["status"].as_str()),
        (Some("paused"), Some("waiting"))
    );
    cluster.baton(&["run", "wait", &run]).with_code(6);
    cluster.baton(&["run", "resume", &run]).well();
    cluster.baton(&["run", "wait", &run]).well();
}

#[test]
fn cancel_stops_what_runs() {
    let cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("ended", &waiting_for(&cluster, ""));
    let run = cluster.run(&plan);
    cluster.until_step(&run, "a", "running");
    cluster.baton(&["run", "cancel", &run]).well();
    cluster.baton(&["run", "wait", &run]).with_code(9);
    let shown = cluster.show(&run);
    let statuses: Vec<_> =
        shown["steps"].as_array().expect("steps").iter().map(|step| step["status"].clone()).collect();
    assert_eq!(statuses, ["canceled", "canceled"]);
    cluster.baton(&["run", "cancel", &run]).with_code(7);
}

#[test]
fn a_failure_stops_or_pauses_as_the_plan_says() {
    let cluster = Cluster::start(&REGIONS, "");
    touch(&cluster, "go");
    let stop = cluster.plan("stops", &waiting_for(&cluster, "  onFailure: stop\n"));
    let said = cluster.baton(&["run", "start", &stop, "--wait", "-o", "json"]).with_code(8);
    assert_eq!(said.json()["steps"][1]["attempts"][0]["exit_code"], 1);
    let pause = cluster.plan("pauses", &waiting_for(&cluster, "  onFailure: pause\n"));
    let run = cluster.baton(&["run", "start", &pause, "--wait", "-o", "json"]).with_code(6).json();
    let run = run["run"].as_str().expect("an id").to_owned();
    cluster.baton(&["run", "resume", &run]).with_code(7);
    touch(&cluster, "go.b");
    cluster.baton(&["run", "resolve", &run, "b", "--as", "retry", "--reason", "the file is there"]).well();
    cluster.baton(&["run", "resume", &run]).well();
    cluster.baton(&["run", "wait", &run]).well();
    assert_eq!(cluster.step(&run, "b")["attempts"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_wait_that_times_out_leaves_the_run_going() {
    let cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("long", &waiting_for(&cluster, ""));
    let run = cluster.run(&plan);
    cluster.baton(&["run", "wait", &run, "--wait-timeout", "300ms"]).with_code(10);
    assert_eq!(cluster.show(&run)["status"], "running");
}

#[test]
fn what_is_not_there_is_not_found() {
    let cluster = Cluster::start(&REGIONS, "");
    cluster.baton(&["run", "show", "nowhere-1"]).with_code(4);
    cluster.baton(&["run", "start", "nowhere"]).with_code(4);
    cluster.baton(&["plan", "get", "nowhere"]).with_code(4);
    cluster.baton(&["run", "cancel", "nowhere-1"]).with_code(4);
    say(&["run", "sing"], &[]).with_code(2);
    say(&["run", "start"], &[]).with_code(2);
}

#[test]
fn plans_are_registered_in_versions_and_given_back_as_written() {
    let cluster = Cluster::start(&REGIONS, "");
    cluster.plan("kept", "  steps:\n    - {name: a, noop: {}}\n");
    cluster.plan("kept", "  steps:\n    - {name: a, noop: {}}\n");
    cluster.plan("kept", "  steps:\n    - {name: b, noop: {}}   # changed\n");
    let listed = cluster.baton(&["plan", "list", "-o", "json"]).well().json();
    assert_eq!(listed["plans"][0]["plan_version"], 2);
    let said = cluster.baton(&["plan", "get", "kept"]).well();
    assert!(said.stdout.contains("# changed"), "{said:?}");
    let bad = cluster.path("bad.yaml");
    std::fs::write(
        &bad,
        "apiVersion: baton/v1\nkind: Plan\nmetadata: {name: bad}\nspec: {steps: [{name: a}]}\n",
    )
    .expect("a file");
    cluster.baton(&["plan", "register", bad.to_str().expect("UTF-8")]).with_code(3);
    cluster.baton(&["run", "start", bad.to_str().expect("UTF-8")]).with_code(3);
}

#[test]
fn parameters_are_checked_at_the_start() {
    let cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan(
        "asks",
        "  params: {to: {type: region}}\n  steps:\n    - {name: a, region: '${params.to}', noop: {}}\n",
    );
    let missing = cluster.baton(&["run", "start", &plan]);
    assert!(missing.code != 0 && missing.stderr.contains("to"), "{missing:?}");
    let said =
        cluster.baton(&["run", "start", &plan, "--param", "to=west", "--wait", "-o", "json"]).well().json();
    assert_eq!(
        (said["params"]["to"].as_str(), said["steps"][0]["region"].as_str()),
        (Some("west"), Some("west"))
    );
}

#[test]
fn conditions_skip_and_waits_wait() {
    let cluster = Cluster::start(&REGIONS, "");
    let spec = concat!(
        "  params: {size: {type: integer, default: '3'}}\n  steps:\n",
        "    - {name: big, when: params.size > 5, region: west, idempotent: true, command: 'exit 1'}\n",
        "    - {name: pause, needs: [big], wait: 200ms}\n",
        "    - {name: there, needs: [pause], region: west, wait: {until: {command: 'test -d /proc'}, every: 100ms}}\n",
        "    - {name: broken, region: west, idempotent: true, optional: true, command: 'exit 1'}\n",
    );
    let plan = cluster.plan("shapes", spec);
    let said = cluster.baton(&["run", "start", &plan, "--wait", "-o", "json"]).well().json();
    let statuses: Vec<_> =
        said["steps"].as_array().expect("steps").iter().map(|step| step["status"].clone()).collect();
    assert_eq!(statuses, ["skipped", "succeeded", "succeeded", "failed"]);
    assert_eq!(said["exceptions"], 1);
}

#[test]
fn the_timeline_tells_it_all_in_order() {
    let cluster = Cluster::start(&REGIONS, "");
    let plan =
        cluster.plan("told", "  steps:\n    - {name: a, region: west, idempotent: false, command: 'true'}\n");
    let said = cluster.baton(&["run", "start", &plan, "--wait"]).well();
    assert!(said.stderr.contains("succeeded") || said.stdout.contains("succeeded"), "{said:?}");
    let events = cluster.baton(&["run", "events", "told-1", "-o", "json"]).well().json();
    let events = events["events"].as_array().expect("events");
    let kinds: Vec<_> = events.iter().map(|event| event["kind"].as_str().expect("a kind")).collect();
    assert_eq!(
        kinds,
        ["run_started", "step_granted", "step_begun", "attempt_ended", "step_succeeded", "run_ended"]
    );
}

#[test]
fn a_run_without_an_agent_says_what_it_waits_for() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("nowhere", "  steps:\n    - {name: a, region: mars, noop: {}}\n");
    let run = cluster.run(&plan);
    let shown = cluster.show(&run);
    assert_eq!(shown["reason"], "waiting: a: no agent in mars is live", "{shown}");
    cluster.add_agent("mars-1", "mars", 1);
    cluster.until_run(&run, "succeeded");
}
