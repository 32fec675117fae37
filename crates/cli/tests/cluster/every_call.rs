//! A coordinator is killed before its n-th call that changes a file: while it starts on what the last one left, while it
//! follows, leads, takes snapshots and lets go of what they cover.

use std::process::Command;

use crate::support::Cluster;
use crate::support::marks::text;
use crate::takeover::REGIONS;

/// Each is counted alone, thread by thread. Of those that come by the dozen every third is the last, as the log's own tests
/// walk through all that it does.
const CALLS: [(&str, usize); 7] = [
    ("rename", 1),
    ("unlink", 1),
    ("mkdir", 1),
    ("ftruncate", 1),
    ("write", 3),
    ("pwrite64", 3),
    ("fdatasync", 3),
];
const VICTIM: u64 = 1;
const LINKS: usize = 4;

/// Steps that must not be repeated, one after the other, over all regions.
fn chain(cluster: &Cluster) -> String {
    let mut spec = String::from("  steps:\n");
    for link in 0..LINKS {
        let needs = if link == 0 { String::new() } else { format!("s{}", link - 1) };
        let region = ["west", "east", "north"][link % 3];
        let seen = cluster.path("seen").display().to_string();
        let command = format!("echo \"$BATON_RUN $BATON_STEP\" >> {seen}");
        spec += &format!(
            "    - {{name: s{link}, needs: [{needs}], region: {region}, idempotent: false, command: '{command}'}}\n"
        );
    }
    cluster.plan("chain", &spec)
}

/// One death and a run that goes on over it. Says which, and whether there was one.
fn dies(cluster: &mut Cluster, plan: &str, call: &str, nth: usize) -> (String, bool) {
    let mut strace = Command::new("strace");
    let (trace, kill) = (format!("trace={call}"), format!("inject={call}:signal=KILL:when={nth}"));
    // What ends with the cluster knows the tracer by this.
    strace.env("BATON_AGENT_HOME", cluster.path("tracer")).args(["-E", "BATON_AGENT_HOME"]);
    strace.args(["-f", "-qq", "-D", "-o", "/dev/null", "-e", &trace, "-e", &kill, "--"]);
    cluster.kill_server(VICTIM);
    cluster.start_server_by(VICTIM, strace);
    let transfer = ["cluster", "transfer-leader", "--to", "1"];
    cluster.until("it to lead or to die", || {
        cluster.server_has_died(VICTIM) || cluster.baton(&transfer).code == 0
    });
    let id = format!("{call}-{nth}");
    let started =
        cluster.baton(&["run", "start", plan, "--request-id", &id, "--timeout", "20s", "-o", "json"]).well();
    let run = text(&started.json(), "run").to_owned();
    cluster.until_run(&run, "succeeded");
    let died = cluster.server_has_died(VICTIM);
    cluster.kill_server(VICTIM);
    cluster.start_server(VICTIM);
    cluster.until_ready();
    (run, died)
}

#[test]
fn a_coordinator_killed_before_any_call_forgets_nothing() {
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    if !traced.is_ok_and(|traced| traced.success()) {
        eprintln!(
            "skipped: strace is not installed or may trace nothing, so nobody was killed before a call"
        );
        return;
    }
    let mut cluster = Cluster::start(&REGIONS, "snapshot_after = 30\n");
    let plan = chain(&cluster);
    let mut runs = Vec::new();
    for (call, step) in CALLS {
        for nth in (1..).step_by(step) {
            let (run, died) = dies(&mut cluster, &plan, call, nth);
            runs.push(run);
            if !died {
                break;
            }
        }
    }
    let mut expected: Vec<_> =
        runs.iter().flat_map(|run| (0..LINKS).map(move |link| format!("{run} s{link}"))).collect();
    let mut seen = cluster.witness("seen");
    expected.sort();
    seen.sort();
    assert_eq!(seen, expected);
    cluster.until("it to lead", || cluster.baton(&["cluster", "transfer-leader", "--to", "1"]).code == 0);
    runs.iter().for_each(|run| drop(cluster.until_run(run, "succeeded")));
}
