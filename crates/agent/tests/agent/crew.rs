//! Supervisors that are used again: one attempt at a time, and nothing of one for the next.

use std::fs;

use baton_api::Outcome;
use rustix::process::Signal;

use crate::bench::{Bench, alive, eventually, kill, marked_supervisors, signal};

/// The one supervisor that waits.
async fn waiting(bench: &Bench) -> i32 {
    let waits = |pid: i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        line.split(|byte| *byte == 0).any(|word| word.ends_with(b"/attempts/waiting")).then_some(pid)
    };
    let find = || match marked_supervisors(&bench.data_dir())[..] {
        [pid] => waits(pid),
        _ => None,
    };
    eventually("one supervisor, which waits", find).await
}

fn environment(pid: i32) -> String {
    String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/environ")).unwrap()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_attempt_after_the_other_has_the_same_supervisor() {
    let bench = Bench::start().await;
    let mut first = None;
    for token in [7, 8, 1_000_000] {
        let text = "echo $BATON_TOKEN; echo key=$BATON_TOKEN > $BATON_OUTPUT; exit 3";
        let report = bench.done(bench.script(token, text)).await;
        assert_eq!((report.outcome(), report.exit_code), (Outcome::Failed, Some(3)));
        assert_eq!((report.stdout, &report.outputs["key"]), (format!("{token}\n"), &token.to_string()));
        let waiting = waiting(&bench).await;
        assert_eq!(waiting, *first.get_or_insert(waiting));
    }
    bench.leader.assign(bench.script(9, "echo $$ > $D/pid; until [ -e $D/go ]; do sleep 0.01; done"));
    bench.pid_in("pid").await;
    assert_eq!(marked_supervisors(&bench.data_dir()), first.into_iter().collect::<Vec<_>>());
    assert!(environment(first.unwrap()).contains("BATON_TOKEN=9\0"));
    fs::write(bench.path("go"), "").unwrap();
    assert_eq!(bench.leader.report(9).await.outcome(), Outcome::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_step_left_something_is_not_used_again() {
    let bench = Bench::start().await;
    let text = "setsid sleep 1000 > /dev/null 2>&1 & echo $! > $D/daemon";
    assert_eq!(bench.done(bench.script(7, text)).await.outcome(), Outcome::Succeeded);
    let daemon = bench.pid_in("daemon").await;
    let gone = || marked_supervisors(&bench.data_dir()).is_empty().then_some(());
    eventually("its supervisor has left", gone).await;
    let text = "setsid sh -c 'echo $$ > $D/child; sleep 1000' & until [ -s $D/child ]; do sleep 0.01; done; kill -9 $$";
    assert_eq!(bench.done(bench.script(8, text)).await.outcome(), Outcome::Unknown);
    assert_eq!(bench.done(bench.script(9, "exit 4")).await.exit_code, Some(4));
    assert!(alive(daemon));
}

/// The next attempt is kept by another one, or provably never started.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_dies_while_it_waits_leaves_no_doubt() {
    let bench = Bench::start().await;
    for token in [10, 20, 30] {
        bench.done(bench.script(token, "exit 0")).await;
        kill(waiting(&bench).await);
        let next = bench.script(token + 1, "echo $BATON_TOKEN >> $D/effects");
        let happened = match bench.done(next).await.outcome() {
            Outcome::Succeeded => 1,
            Outcome::NotStarted => 0,
            other => panic!("{other:?}"),
        };
        let effects = bench.lines("effects");
        assert_eq!(effects.iter().filter(|line| **line == (token + 1).to_string()).count(), happened);
    }
}

/// The folder of an attempt that has not begun holds the mark and the end of the one before.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_attempt_has_left_is_not_taken_for_this_one_s() {
    let mut bench = Bench::start().await;
    for token in [7, 8] {
        bench.done(bench.script(token, "exit 0")).await;
    }
    let waiting = waiting(&bench).await;
    signal(waiting, Signal::STOP);
    bench.leader.assign(bench.script(9, "echo $BATON_TOKEN >> $D/effects"));
    let folder = bench.attempt(9);
    let left =
        || folder.join("assignment").exists().then(|| fs::read(folder.join("executing")).ok()).flatten();
    assert!(!eventually("its folder", left).await.is_empty());
    bench.kill_agent();
    kill(waiting);
    bench.come_back().await;
    assert_eq!(bench.leader.report(9).await.outcome(), Outcome::NotStarted);
    assert!(bench.lines("effects").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_waits_ends_with_its_agent() {
    let mut bench = Bench::start().await;
    bench.done(bench.script(7, "exit 0")).await;
    let waiting = waiting(&bench).await;
    bench.kill_agent();
    bench.until_gone(&[waiting]).await;
    bench.come_back().await;
    assert_eq!(bench.done(bench.script(8, "exit 4")).await.exit_code, Some(4));
}
