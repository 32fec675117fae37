//! The process that supervisors are born in: it may die, freeze and wake up at any moment, and nobody else with it.

use std::fs;

use baton_api::Outcome;
use rustix::process::{Pid, Resource, Rlimit, Signal};

use crate::bench::{Bench, alive, eventually, kill, marked, marked_supervisors, signal};

const SLOW: &str = "echo $$ > $D/pid; echo did >> $D/effects;
                    until [ -e $D/go ]; do sleep 0.01; done; exit 5";

fn words(pid: i32, what: &str) -> Vec<String> {
    let text = fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
    text.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// The cradle of the agent that runs.
async fn cradle(bench: &Bench) -> i32 {
    let is_one = |pid: &i32| words(*pid, "cmdline").get(1).is_some_and(|word| word == "cradle");
    let find = || marked(&bench.data_dir()).into_iter().find(is_one);
    eventually("a cradle", find).await
}

/// Frozen, so that what is asked of it waits.
async fn frozen(bench: &Bench) -> i32 {
    let cradle = cradle(bench).await;
    signal(cradle, Signal::STOP);
    let still = || fs::read_to_string(format!("/proc/{cradle}/stat")).unwrap().contains(") T ").then_some(());
    eventually("it is frozen", still).await;
    cradle
}

/// The attempt's lock is held by somebody, be it a request under way.
async fn until_asked(bench: &Bench, token: u64) {
    let lock = bench.attempt(token).join("assignment");
    let taken = || {
        let file = fs::File::open(&lock).ok()?;
        let how = rustix::fs::FlockOperation::NonBlockingLockExclusive;
        rustix::fs::flock(&file, how).is_err().then_some(())
    };
    eventually("the attempt is on its way", taken).await;
}

/// A sweep, a person and the fault suite know a supervisor by these.
#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_is_known_by_its_folder_and_its_token() {
    let bench = Bench::start().await;
    bench.leader.assign(bench.script(7, SLOW));
    bench.pid_in("pid").await;
    let [supervisor] = marked_supervisors(&bench.data_dir())[..] else { panic!("one supervisor") };
    let folder = bench.attempt(7).canonicalize().unwrap().display().to_string();
    assert_eq!(words(supervisor, "cmdline")[1..3], ["supervise".to_owned(), folder]);
    assert!(words(supervisor, "environ").contains(&"BATON_TOKEN=7".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_its_agent_and_its_supervisors_live_on() {
    let mut bench = Bench::start().await;
    bench.leader.assign(bench.script(7, SLOW));
    let (pid, first) = (bench.pid_in("pid").await, cradle(&bench).await);
    bench.kill_agent();
    bench.until_gone(&[first]).await;
    assert!(alive(pid));
    bench.come_back().await;
    fs::write(bench.path("go"), "").unwrap();
    assert_eq!(bench.leader.report(7).await.exit_code, Some(5));
    assert_eq!(bench.lines("effects"), ["did"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_it_takes_nobody_along_and_another_takes_its_place() {
    let bench = Bench::start().await;
    bench.leader.assign(bench.script(7, SLOW));
    let pid = bench.pid_in("pid").await;
    kill(cradle(&bench).await);
    let report = bench.done(bench.script(8, "exit 4")).await;
    assert_eq!((report.outcome(), report.exit_code), (Outcome::Failed, Some(4)));
    assert!(alive(pid));
    fs::write(bench.path("go"), "").unwrap();
    assert_eq!(bench.leader.report(7).await.exit_code, Some(5));
}

/// A03: what was on its way to it has not begun, and never will.
#[tokio::test(flavor = "multi_thread")]
async fn killed_with_a_request_unread_the_attempt_never_began() {
    let bench = Bench::start().await;
    let cradle = frozen(&bench).await;
    bench.leader.assign(bench.script(7, "echo did >> $D/effects"));
    until_asked(&bench, 7).await;
    kill(cradle);
    assert_eq!(bench.leader.report(7).await.outcome(), Outcome::NotStarted);
    assert_eq!(bench.done(bench.script(8, "echo next >> $D/effects")).await.exit_code, Some(0));
    assert_eq!(bench.lines("effects"), ["next"]);
}

/// A03: the agent dies, its cradle wakes up and reads what it was asked: once, and the next agent knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_outlives_its_agent_is_adopted() {
    let mut bench = Bench::start().await;
    let cradle = frozen(&bench).await;
    bench.leader.assign(bench.script(7, "echo did >> $D/effects"));
    until_asked(&bench, 7).await;
    bench.kill_agent();
    assert_eq!(bench.come_back().await.held.len(), 1);
    signal(cradle, Signal::CONT);
    assert_eq!(bench.leader.report(7).await.outcome(), Outcome::Succeeded);
    assert_eq!(bench.lines("effects"), ["did"]);
}

/// A08: whoever lost the journal cannot know what was asked of it.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_a_journal_ends_its_predecessor_s() {
    let mut bench = Bench::start().await;
    let cradle = frozen(&bench).await;
    bench.leader.assign(bench.script(7, "echo did >> $D/effects"));
    until_asked(&bench, 7).await;
    bench.kill_agent();
    fs::remove_file(bench.data_dir().join("journal")).unwrap();
    assert!(bench.come_back().await.swept);
    assert!(!alive(cradle));
    assert!(bench.lines("effects").is_empty());
}

/// However few descriptors those who are born there may have: what finds no room never began.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_there_is_no_room_for_has_not_started() {
    let mut bench = Bench::start().await;
    let mut reasons = Vec::new();
    for (descriptors, token) in (4..24).zip(100..) {
        let limit = Rlimit { current: Some(descriptors), maximum: Some(1024) };
        let cradle = Pid::from_raw(cradle(&bench).await);
        rustix::process::prlimit(cradle, Resource::Nofile, limit).unwrap();
        let report = bench.done(bench.script(token, "echo $BATON_TOKEN >> $D/effects")).await;
        let happened = bench.lines("effects").contains(&token.to_string());
        let expected = if happened { Outcome::Succeeded } else { Outcome::NotStarted };
        assert_eq!(report.outcome(), expected, "{descriptors} descriptors: {}", report.reason);
        reasons.push(report.reason);
        // The next one is born anew.
        bench.kill_agent();
        bench.come_back().await;
    }
    assert!(reasons.iter().any(|reason| reason.contains("no room for its process")), "{reasons:?}");
    assert!(reasons.contains(&String::new()), "{reasons:?}");
}
