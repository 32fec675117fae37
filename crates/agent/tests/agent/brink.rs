//! Right before an attempt acts: everything is decided, and the supervisor has not come to it yet.

use std::fs;

use baton_api::Outcome;

use crate::bench::{Bench, eventually, key, kill};

/// A03: started by the journal, never acted, and now it never will.
#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_that_dies_before_it_acts_never_acted() {
    let mut bench = Bench::start_holding().await;
    bench.leader.assign(bench.script(7, "echo did >> $D/effects"));
    let pid = bench.pid_in("holding").await;
    bench.leader.script(|script| script.acknowledges = false);
    bench.kill_agent();
    kill(pid);
    fs::write(bench.path("breathe"), "").unwrap();
    bench.come_back().await;
    assert_eq!(bench.leader.report(7).await.outcome(), Outcome::NotStarted);
    // A supervisor that comes late finds the tombstone, once nobody looks into the folder any more:
    // the agent holds the lock for a moment whenever it does.
    let attempt = bench.attempt(7);
    let late = || {
        let mut late = std::process::Command::new(env!("CARGO_BIN_EXE_baton-agent-alone"));
        let late = late.arg("supervise").arg(&attempt).output().unwrap();
        assert!(!late.status.success());
        let said = String::from_utf8_lossy(&late.stderr).into_owned();
        (!said.contains("another supervisor keeps this attempt")).then_some(said)
    };
    let said = eventually("nobody holds the attempt", late).await;
    assert!(said.contains("the attempt is over"), "{said}");
    assert!(bench.lines("effects").is_empty());
}

/// A03: the agent dies, the supervisor goes on and acts, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_that_acts_after_its_agent_died_is_adopted() {
    let mut bench = Bench::start_holding().await;
    bench.leader.assign(bench.script(7, "echo did >> $D/effects"));
    bench.pid_in("holding").await;
    bench.kill_agent();
    assert_eq!(bench.come_back().await.held.len(), 1);
    fs::write(bench.path("breathe"), "").unwrap();
    assert_eq!(bench.leader.report(7).await.outcome(), Outcome::Succeeded);
    assert_eq!(bench.lines("effects"), ["did"]);
}

/// Z02: the last check of the lease stands right before the action, for every class.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_runs_out_on_the_brink_means_never_started() {
    let mut bench = Bench::start_holding().await;
    bench.leader.script(|script| script.lease_ms = 500);
    bench.kill_agent();
    // What an earlier session was given must not count; the agent may not have come to it yet.
    let _ = fs::remove_file(bench.data_dir().join("lease"));
    bench.come_back().await;
    bench.leader.assign(bench.script(7, "echo did >> $D/effects"));
    bench.pid_in("holding").await;
    bench.leader.script(|script| script.renews = false);
    // A lease that nobody writes any more has been read for the last time when it is this old.
    let lease = bench.data_dir().join("lease");
    let old = || {
        let written = fs::metadata(&lease).ok()?.modified().ok()?;
        (written.elapsed().ok()?.as_millis() > 600).then_some(())
    };
    eventually("the lease runs out", old).await;
    fs::write(bench.path("breathe"), "").unwrap();
    let report = bench.leader.report(7).await;
    assert_eq!(report.outcome(), Outcome::NotStarted);
    assert_eq!(report.reason, "the agent's lease ran out before it started");
    assert!(bench.lines("effects").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_on_the_brink_means_never_started() {
    let bench = Bench::start_holding().await;
    bench.leader.assign(bench.script(7, "echo did >> $D/effects"));
    bench.pid_in("holding").await;
    bench.leader.stop(key(7), "the run is cancelled");
    let told = || bench.attempt(7).join("stop").exists().then_some(());
    eventually("the supervisor is told", told).await;
    fs::write(bench.path("breathe"), "").unwrap();
    let report = bench.leader.report(7).await;
    assert_eq!(report.outcome(), Outcome::NotStarted);
    assert_eq!(report.reason, "stopped before it started: the run is cancelled");
    assert!(bench.lines("effects").is_empty());
}

/// A supervisor that cannot do its work says why.
#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_s_last_words_are_in_the_report() {
    let bench = Bench::start_holding().await;
    fs::write(bench.path("hold"), "#!/bin/sh\necho no such luck >&2\nexit 1\n").unwrap();
    bench.leader.assign(bench.script(7, "echo did >> $D/effects"));
    let report = bench.leader.report(7).await;
    assert_eq!(report.outcome(), Outcome::NotStarted);
    assert_eq!(report.reason, "its supervisor ended before the action started: no such luck");
}
