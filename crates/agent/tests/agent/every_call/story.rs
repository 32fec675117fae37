//! What an agent finds, is given and does while something happens to one of its calls.

use std::fs;

use baton_api::{Assignment, Outcome, Report};

use crate::bench::{Bench, eventually, key};

/// Steps that an agent began before, such that the one in trouble is given, and such that come when those are over, to
/// take up what they left.
const FOUND: [u64; 3] = [1, 2, 3];
const GIVEN: [u64; 4] = [11, 12, 13, 14];
const LATER: [u64; 4] = [21, 22, 23, 24];

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

fn stop(bench: &Bench, tokens: &[u64]) {
    let stopped = tokens.iter().filter(|token| kind(**token) == Kind::IsStopped);
    stopped.for_each(|token| bench.leader.stop(key(*token), "nobody needs it"));
}

/// A folder with two attempts that ended and one under way, and nobody who looks after them.
pub(super) async fn left_alone() -> Bench {
    let mut bench = Bench::start().await;
    bench.leader.script(|script| script.acknowledges = false);
    assign(&bench, &FOUND);
    bench.leader.report(1).await;
    bench.leader.report(3).await;
    eventually("the slow one has begun", || (bench.count("begun", 2) > 0).then_some(())).await;
    bench.kill_agent();
    bench.leader.script(|script| {
        script.reports.clear();
        script.acknowledges = true;
    });
    bench
}

/// All that there is to do, until the agent dies or the end of it. `look` is called all the time.
pub(super) async fn goes_on(bench: &mut Bench, mut look: impl FnMut()) {
    assign(bench, &FOUND);
    for wave in [GIVEN, LATER] {
        assign(bench, &wave);
        let is_reported = |bench: &Bench, token: u64| bench.leader.reported(token).is_some();
        let is_quick = |bench: &Bench, token: u64| match kind(token) {
            Kind::EndsWhenLet => true,
            Kind::IsStopped if bench.count("begun", token) > 0 => true,
            _ => is_reported(bench, token),
        };
        let quick = |bench: &Bench| wave.iter().all(|token| is_quick(bench, *token));
        unless_it_dies(bench, &mut look, "the quick ones end", quick).await;
        stop(bench, &wave);
        fs::write(bench.path("go"), "").unwrap();
        let all = |bench: &Bench| wave.iter().chain(&FOUND).all(|token| is_reported(bench, *token));
        unless_it_dies(bench, &mut look, "all are over", all).await;
    }
}

async fn unless_it_dies(
    bench: &mut Bench,
    look: &mut impl FnMut(),
    what: &str,
    is_so: impl Fn(&Bench) -> bool,
) {
    let holds = || {
        look();
        (bench.agent_has_died() || is_so(bench)).then_some(())
    };
    eventually(what, holds).await;
}

/// How each step ended in the end. `known`: nothing but agents may have died.
pub(super) async fn is_true_in_the_end(bench: &Bench, known: bool, context: &str) {
    for wave in [&FOUND[..], &GIVEN, &LATER] {
        assign(bench, wave);
        stop(bench, wave);
        for token in wave {
            let report = bench.leader.report(*token).await;
            let happened = (bench.count("begun", *token), bench.count("ended", *token));
            assert!(
                is_true(&report, kind(*token), happened, known),
                "{context}, token {token}: begun and ended {happened:?}, {report:?}"
            );
        }
        let gone = || wave.iter().all(|token| !bench.attempt(*token).exists());
        eventually("nothing is left of them", || gone().then_some(())).await;
    }
}

/// No report says what is not true.
fn is_true(report: &Report, kind: Kind, (begun, ended): (usize, usize), known: bool) -> bool {
    match (report.outcome(), kind) {
        (Outcome::NotStarted, _) => (begun, ended) == (0, 0),
        (Outcome::Succeeded, Kind::Ends | Kind::EndsWhenLet) => (begun, ended) == (1, 1),
        (Outcome::Failed, Kind::Fails) if report.exit_code == Some(5) => (begun, ended) == (1, 1),
        (Outcome::Unknown, Kind::IsStopped) if known => (begun, ended) == (1, 0),
        (Outcome::Unknown | Outcome::Failed, _) => !known && begun <= 1 && ended <= begun,
        _ => false,
    }
}
