//! Timeouts, leases and the leader's word to stop.

use baton_api::{Assignment, Outcome};

use crate::bench::{Bench, alive, eventually, key};

/// A tree that ignores requests, with a grandchild in a session of its own.
const STUBBORN: &str = "trap '' TERM; echo $$ > $D/pid;
    setsid sh -c 'trap \"\" TERM; echo $$ > $D/grandchild; while :; do sleep 1; done' &
    while :; do sleep 1; done";

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_ends_the_whole_tree() {
    let bench = Bench::start().await;
    for (token, idempotent, outcome) in [(7, false, Outcome::Unknown), (8, true, Outcome::Failed)] {
        bench.leader.assign(Assignment { timeout_ms: 300, idempotent, ..bench.script(token, STUBBORN) });
        let report = bench.leader.report(token).await;
        assert_eq!(report.outcome(), outcome);
        assert_eq!(report.reason, "timed out after 300ms");
        let (pid, grandchild) = (bench.pid_in("pid").await, bench.pid_in("grandchild").await);
        assert!(!alive(pid) && !alive(grandchild));
        std::fs::remove_file(bench.path("pid")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_is_in_vain_says_what_the_last_answer_was() {
    let bench = Bench::start().await;
    bench.leader.assign(Assignment { timeout_ms: 200, ..bench.wait(7, "exit 4") });
    let report = bench.leader.report(7).await;
    assert_eq!(report.outcome(), Outcome::Failed);
    assert_eq!(report.reason, "timed out after 200ms, and the last answer was exit 4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_tree_and_says_why() {
    let bench = Bench::start().await;
    for (token, idempotent, outcome) in [(7, false, Outcome::Unknown), (8, true, Outcome::Failed)] {
        bench.leader.assign(Assignment { idempotent, ..bench.script(token, STUBBORN) });
        let (pid, grandchild) = (bench.pid_in("pid").await, bench.pid_in("grandchild").await);
        bench.leader.stop(key(token), "the run is cancelled");
        let report = bench.leader.report(token).await;
        assert_eq!(report.outcome(), outcome);
        assert_eq!(report.reason, "stopped: the run is cancelled");
        assert!(!alive(pid) && !alive(grandchild));
        std::fs::remove_file(bench.path("pid")).unwrap();
        std::fs::remove_file(bench.path("grandchild")).unwrap();
    }
}

/// R5 and R11: the leader falls silent, and only what may be repeated is ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_lapsed_lease_ends_only_idempotent_steps() {
    let mut bench = Bench::start().await;
    bench.leader.script(|script| script.lease_ms = 600);
    bench.kill_agent();
    bench.come_back().await;
    let slow = |name: &str| format!("echo $$ > $D/{name}; until [ -e $D/go ]; do sleep 0.01; done");
    bench.leader.assign(bench.script(7, &slow("once")));
    bench.leader.assign(Assignment { idempotent: true, ..bench.script(8, &slow("again")) });
    let (once, again) = (bench.pid_in("once").await, bench.pid_in("again").await);
    bench.leader.script(|script| script.renews = false);
    bench.until_gone(&[again]).await;
    assert!(alive(once));
    // Nothing new starts meanwhile, though a leader is there to ask for it.
    let connected = bench.leader.script(|script| script.hellos.len());
    eventually("a fresh session", || {
        let now = bench.leader.script(|script| script.hellos.len());
        (now > connected).then_some(())
    })
    .await;
    bench.leader.assign(bench.script(9, "echo did >> $D/effects"));
    std::fs::write(bench.path("go"), "").unwrap();
    assert_eq!(bench.leader.report(7).await.outcome(), Outcome::Succeeded);
    assert_eq!(bench.leader.report(8).await.outcome(), Outcome::Unknown);
    assert!(bench.lines("effects").is_empty());
    bench.leader.script(|script| script.renews = true);
    eventually("the step runs once the lease does", || {
        bench.leader.assign(bench.script(9, "echo did >> $D/effects"));
        bench.leader.reported(9)
    })
    .await;
    assert_eq!(bench.lines("effects"), ["did"]);
}
