//! The life of an attempt when nobody dies.

use std::collections::BTreeMap;

use baton_api::{Assignment, Outcome, action};

use crate::bench::{Bench, action_of, alive, eventually, noop};

#[tokio::test(flavor = "multi_thread")]
async fn a_step_runs_once_and_tells_all() {
    let bench = Bench::start().await;
    let hello = bench.leader.hello(1).await;
    assert!(hello.swept && hello.held.is_empty() && hello.protocol == 1);
    bench.leader.assign(bench.script(
        7,
        "echo did $BATON_TOKEN >> $D/effects; echo out; echo err >&2; echo lsn=0/30 > $BATON_OUTPUT",
    ));
    let report = bench.leader.report(7).await;
    assert_eq!(report.outcome(), Outcome::Succeeded);
    assert_eq!(report.exit_code, Some(0));
    assert_eq!((report.stdout, report.stderr), ("out\n".into(), "err\n".into()));
    let outputs = BTreeMap::from([("lsn".to_owned(), "0/30".to_owned())]);
    assert_eq!(report.outputs, outputs);
    assert_eq!(bench.lines("effects"), ["did 7"]);
    assert_eq!(bench.leader.script(|script| script.begun.len()), 1);
    // Acknowledged, so its folder goes.
    let gone = || (!bench.attempt(7).exists()).then_some(());
    eventually("the folder is removed", gone).await;
    // Sent once more, it is known for what it is.
    bench.leader.assign(bench.script(7, "echo again >> $D/effects"));
    bench.leader.assign(noop(8));
    bench.leader.report(8).await;
    assert_eq!(bench.lines("effects"), ["did 7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_sent_twice_runs_once() {
    let bench = Bench::start().await;
    bench.leader.script(|script| script.acknowledges = false);
    let step = bench.script(7, "echo did >> $D/effects; until [ -e $D/go ]; do sleep 0.01; done");
    bench.leader.assign(step.clone());
    bench.until_exists("effects").await;
    bench.leader.assign(step.clone());
    std::fs::write(bench.path("go"), "").unwrap();
    bench.leader.report(7).await;
    // Finished and not acknowledged: the same assignment brings the same report.
    let before = bench.leader.script(|script| script.reports.len());
    bench.leader.assign(step);
    let more = || bench.leader.script(|script| (script.reports.len() > before).then_some(()));
    eventually("the report again", more).await;
    assert_eq!(bench.lines("effects"), ["did"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_begun_never_starts() {
    let bench = Bench::start().await;
    bench.leader.script(|script| script.begins = false);
    bench.leader.assign(bench.script(7, "echo did >> $D/effects"));
    let asked = || bench.leader.script(|script| !script.begun.is_empty()).then_some(());
    eventually("Begin is asked", asked).await;
    // Messages are taken in order: once the later step is done, the answer has been heard.
    let later = Assignment { idempotent: true, ..bench.script(8, "true") };
    bench.leader.assign(later);
    assert_eq!(bench.leader.report(8).await.outcome(), Outcome::Succeeded);
    assert!(bench.leader.reported(7).is_none());
    assert!(bench.lines("effects").is_empty());
    assert!(!bench.attempt(7).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn exits_and_signals_have_their_outcomes() {
    let bench = Bench::start().await;
    let table = [
        (1, "exit 3", Outcome::Failed, Some(3), "exited with 3"),
        (2, "kill -9 $$", Outcome::Unknown, None, "killed by signal 9 (SIGKILL), which Baton did not send"),
        (3, "kill $$", Outcome::Unknown, None, "killed by signal 15 (SIGTERM), which Baton did not send"),
    ];
    for (token, text, outcome, code, reason) in table {
        bench.leader.assign(bench.script(token, text));
        let report = bench.leader.report(token).await;
        assert_eq!((report.outcome(), report.exit_code), (outcome, code), "{text}");
        assert_eq!(report.reason, reason);
    }
    let mut missing = bench.script(4, "");
    let argv = vec!["/no/such/program".to_owned()];
    let command = baton_api::Command { argv, ..Default::default() };
    let action = Some(baton_api::action::Action::Command(command));
    missing.action = Some(baton_api::Action { action });
    bench.leader.assign(missing);
    let report = bench.leader.report(4).await;
    assert_eq!((report.outcome(), report.exit_code), (Outcome::Failed, Some(127)));
    assert!(report.reason.contains("/no/such/program"), "{}", report.reason);
}

/// As `execvp` has it: the path is the step's own, and what has no first line is a script of the shell's.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_looked_for_on_the_step_s_own_path() {
    let bench = Bench::start().await;
    let command = |token, program: &str, path: String| {
        let argv = vec![program.to_owned(), "word".to_owned()];
        let action = action::Action::Command(baton_api::Command { argv, ..Default::default() });
        let environment = BTreeMap::from([("PATH".to_owned(), path)]);
        Assignment { action: Some(action_of(action)), environment, ..bench.script(token, "") }
    };
    let tools = bench.path("tools").display().to_string();
    std::fs::create_dir(&tools).unwrap();
    for (name, mode) in [("a-tool", 0o755), ("no-tool", 0o644)] {
        let path = bench.path("tools").join(name);
        std::fs::write(&path, "echo $1 $BATON_TOKEN").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    }
    let report = bench.done(command(7, "a-tool", format!("/nowhere:{tools}"))).await;
    assert_eq!((report.exit_code, report.stdout.as_str()), (Some(0), "word 7\n"));
    assert_eq!(bench.done(command(8, "no-tool", tools.clone())).await.exit_code, Some(126));
    let in_its_way = bench.path("in-its-way");
    std::fs::create_dir_all(in_its_way.join("a-tool")).unwrap();
    let path = format!("{}:{tools}", in_its_way.display());
    assert_eq!(bench.done(command(10, "a-tool", path)).await.stdout, "word 10\n");
    assert_eq!(bench.done(command(9, "a-tool", "/nowhere".into())).await.exit_code, Some(127));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_answers_by_its_exit_and_needs_no_begin() {
    let bench = Bench::start().await;
    let table = [(1, 0, Outcome::Succeeded), (2, 1, Outcome::Failed), (3, 2, Outcome::Unknown)];
    for (token, code, outcome) in table {
        bench.leader.assign(Assignment { probe: true, ..bench.script(token, &format!("exit {code}")) });
        let report = bench.leader.report(token).await;
        assert_eq!((report.outcome(), report.probe), (outcome, true));
    }
    assert!(bench.leader.script(|script| script.begun.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn noops_succeed_with_and_without_a_begin() {
    let bench = Bench::start().await;
    bench.leader.assign(noop(1));
    bench.leader.assign(Assignment { idempotent: true, ..noop(2) });
    for token in [1, 2] {
        assert_eq!(bench.leader.report(token).await.outcome(), Outcome::Succeeded);
    }
    assert_eq!(bench.leader.script(|script| script.begun.len()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_asks_until_the_answer_is_yes() {
    let bench = Bench::start().await;
    bench.leader.assign(bench.wait(7, "echo asked >> $D/asked; test -e $D/there"));
    let asked = || (bench.lines("asked").len() > 2).then_some(());
    eventually("it asks again", asked).await;
    assert!(bench.leader.reported(7).is_none());
    std::fs::write(bench.path("there"), "").unwrap();
    assert_eq!(bench.leader.report(7).await.outcome(), Outcome::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_megabyte_of_output_leaves_its_tail() {
    let bench = Bench::start().await;
    let text = "i=0; while [ $i -lt 4096 ]; do printf '%0256d' $i; i=$((i+1)); done; echo end";
    bench.leader.assign(bench.script(7, text));
    let report = bench.leader.report(7).await;
    assert_eq!(report.outcome(), Outcome::Succeeded);
    assert_eq!(report.stdout.len(), 4096);
    assert!(report.stdout.ends_with("4095end\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_keeps_the_pipes_open_does_not_hold_the_step() {
    let bench = Bench::start().await;
    let daemon = "setsid sh -c 'until [ -e $D/go ]; do sleep 0.01; done; echo tick; echo tock; echo lived > $D/lived' &
                  echo $! > $D/daemon; echo started";
    bench.leader.assign(bench.script(7, daemon));
    let report = bench.leader.report(7).await;
    assert_eq!(report.outcome(), Outcome::Succeeded);
    assert_eq!(report.stdout, "started\n");
    assert!(alive(bench.pid_in("daemon").await), "it was left running on purpose");
    // It can still write without being killed for it.
    std::fs::write(bench.path("go"), "").unwrap();
    bench.until_exists("lived").await;
}
