//! Death right before each call that changes a file or tells another process of it, one call after the other: what
//! `torture.rs` hits by chance is walked here in turn.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use baton_api::{Assignment, Outcome, Report};
use tokio::task::JoinSet;

use crate::bench::{Bench, eventually, key};

/// Each is counted alone, thread by thread.
const CALLS: [&str; 9] =
    ["rename", "unlink", "rmdir", "mkdir", "write", "ftruncate", "fsync", "fdatasync", "sendmsg"];
/// Steps that an agent began before, such that the doomed one is given, and such that come when those are over, to take
/// up what they left.
const FOUND: [u64; 3] = [1, 2, 3];
const GIVEN: [u64; 4] = [11, 12, 13, 14];
const LATER: [u64; 4] = [21, 22, 23, 24];
/// How often in a row they die.
const GENERATIONS: usize = 2;

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Doomed {
    /// The agent, once it has greeted.
    Agent,
    /// Whoever comes to its n-th call: the agent from its birth on, a supervisor, a step.
    Anybody,
}

/// What a step does, by its token's last digit.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Ends,
    EndsWhenLet,
    Fails,
    IsStopped,
}

fn kind(token: u64) -> Kind {
    [Kind::Ends, Kind::EndsWhenLet, Kind::Fails, Kind::IsStopped][(token % 10) as usize - 1]
}

fn step(bench: &Bench, token: u64) -> Assignment {
    let (between, end) = match kind(token) {
        Kind::Ends => ("", ""),
        Kind::EndsWhenLet => ("until [ -e $D/go ]; do sleep 0.01; done;", ""),
        Kind::Fails => ("", "; exit 5"),
        Kind::IsStopped => ("until [ -e $D/never ]; do sleep 0.01; done;", ""),
    };
    bench.script(
        token,
        &format!("echo $BATON_TOKEN >> $D/begun; {between} echo $BATON_TOKEN >> $D/ended{end}"),
    )
}

fn assign(bench: &Bench, tokens: &[u64]) {
    let open = tokens.iter().filter(|token| bench.leader.reported(**token).is_none());
    open.for_each(|token| bench.leader.assign(step(bench, *token)));
}

fn count(bench: &Bench, name: &str, token: u64) -> usize {
    bench.lines(name).iter().filter(|line| **line == token.to_string()).count()
}

/// Waits unless the agent dies.
async fn unless_it_dies(bench: &mut Bench, what: &str, is_so: impl Fn(&Bench) -> bool) {
    eventually(what, || (bench.agent_has_died() || is_so(bench)).then_some(())).await;
}

/// A folder with two attempts that ended and one under way, and nobody who looks after them.
async fn left_alone() -> Bench {
    let mut bench = Bench::start().await;
    bench.leader.script(|script| script.acknowledges = false);
    assign(&bench, &FOUND);
    bench.leader.report(1).await;
    bench.leader.report(3).await;
    eventually("the slow one has begun", || (count(&bench, "begun", 2) > 0).then_some(())).await;
    bench.kill_agent();
    bench.leader.script(|script| {
        script.reports.clear();
        script.acknowledges = true;
    });
    bench
}

/// Starts the one who dies, and gives the tracer where that is a process of its own.
async fn start(bench: &mut Bench, doomed: Doomed, call: &str, nth: usize) -> Option<Child> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o", "/dev/null", "-e", &format!("inject={call}:signal=KILL:when={nth}")]);
    if doomed == Doomed::Anybody {
        // The tracer steps aside, so that what is killed and waited for is the agent.
        strace.args(["-qq", "-D", "--"]);
        bench.start_agent_by(strace);
        return None;
    }
    bench.come_back().await;
    let mut strace =
        strace.arg("-p").arg(bench.agent_pid().to_string()).stderr(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(strace.stderr.as_mut().unwrap()).lines().next();
    assert!(said.as_ref().is_some_and(|said| said.as_ref().unwrap().contains("attached")), "{said:?}");
    Some(strace)
}

/// All that there is to do, and whether the agent lived to the end of it.
async fn lives(bench: &mut Bench) -> bool {
    assign(bench, &FOUND);
    for wave in [GIVEN, LATER] {
        assign(bench, &wave);
        let is_free =
            |bench: &Bench, token| bench.leader.reported(token).is_some() || kind(token) == Kind::EndsWhenLet;
        let has_begun =
            |bench: &Bench, token| kind(token) == Kind::IsStopped && count(bench, "begun", token) > 0;
        unless_it_dies(bench, "the free ones end", |bench| {
            wave.iter().all(|token| is_free(bench, *token) || has_begun(bench, *token))
        })
        .await;
        stop(bench, &wave);
        fs::write(bench.path("go"), "").unwrap();
        unless_it_dies(bench, "all of it is over", |bench| {
            wave.iter()
                .chain(&FOUND)
                .all(|token| bench.leader.reported(*token).is_some() && !bench.attempt(*token).exists())
        })
        .await;
    }
    !bench.agent_has_died()
}

fn stop(bench: &Bench, tokens: &[u64]) {
    let stopped = tokens.iter().filter(|token| kind(**token) == Kind::IsStopped);
    stopped.for_each(|token| bench.leader.stop(key(*token), "nobody needs it"));
}

/// No report says what is not true; where only agents die, it is known how each step ended.
fn is_true(doomed: Doomed, report: &Report, token: u64, (begun, ended): (usize, usize)) -> bool {
    match (report.outcome(), kind(token), doomed) {
        (Outcome::NotStarted, ..) => (begun, ended) == (0, 0),
        (Outcome::Succeeded, Kind::Ends | Kind::EndsWhenLet, _) => (begun, ended) == (1, 1),
        (Outcome::Failed, Kind::Fails, _) if report.exit_code == Some(5) => (begun, ended) == (1, 1),
        (Outcome::Unknown, Kind::IsStopped, Doomed::Agent) => (begun, ended) == (1, 0),
        (Outcome::Unknown | Outcome::Failed, _, Doomed::Anybody) => begun <= 1 && ended <= begun,
        _ => false,
    }
}

/// Says whether anything died at all.
async fn dies(doomed: Doomed, call: &str, nth: usize) -> bool {
    let mut bench = left_alone().await;
    let mut deaths = 0;
    for _ in 0..GENERATIONS {
        let strace = start(&mut bench, doomed, call, nth).await;
        let lived = lives(&mut bench).await;
        bench.kill_agent();
        strace.into_iter().for_each(|mut strace| drop(strace.wait()));
        if lived {
            break;
        }
        deaths += 1;
    }
    let last = bench.come_back().await;
    let first = bench.leader.hello(1).await;
    assert_eq!(
        first.incarnation, last.incarnation,
        "{doomed:?} before {call} {nth}: its journal counts as cut"
    );
    for wave in [&FOUND[..], &GIVEN, &LATER] {
        assign(&bench, wave);
        stop(&bench, wave);
        for token in wave {
            let report = bench.leader.report(*token).await;
            let happened = (count(&bench, "begun", *token), count(&bench, "ended", *token));
            assert!(
                is_true(doomed, &report, *token, happened),
                "{doomed:?} before {call} {nth}, token {token}: begun and ended {happened:?}, {report:?}"
            );
        }
        let gone = || wave.iter().all(|token| !bench.attempt(*token).exists());
        eventually("nothing is left of them", || gone().then_some(())).await;
    }
    deaths > 0
}

async fn before_each(doomed: Doomed) {
    let traced = Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    if !traced.is_ok_and(|traced| traced.success()) {
        eprintln!(
            "skipped: strace is not installed or may trace nothing, so nobody was killed before a call"
        );
        return;
    }
    let mut calls = JoinSet::new();
    for call in CALLS {
        calls.spawn(async move {
            let mut nth = 1;
            while dies(doomed, call, nth).await {
                nth += 1;
            }
            println!("{doomed:?}: {} deaths before {call}", nth - 1);
        });
    }
    // One after the other would be the same, and would mostly wait.
    calls.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_killed_before_any_call_of_its_own_repeats_nothing_and_knows_all() {
    before_each(Doomed::Agent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_before_any_call_no_report_lies() {
    before_each(Doomed::Anybody).await;
}
