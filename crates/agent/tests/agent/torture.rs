//! Many steps, and deaths at moments that nobody chose. The witness is the file that the steps
//! write to.

use std::collections::BTreeMap;
use std::fs;

use baton_api::{Assignment, Outcome};
use fastrand::Rng;

use crate::bench::{Bench, eventually, kill, marked_supervisors};

const STEPS: u64 = 40;
const SEED: u64 = 7;

/// Sends all that has not been reported, as a leader does to whoever greets it.
fn assign_open(bench: &Bench, steps: &BTreeMap<u64, Assignment>) {
    let open = steps.iter().filter(|(token, _)| bench.leader.reported(**token).is_none());
    open.for_each(|(_, assignment)| bench.leader.assign(assignment.clone()));
}

fn steps(bench: &Bench) -> BTreeMap<u64, Assignment> {
    let text = "echo $BATON_TOKEN >> $D/effects; sleep 0.02; echo $BATON_TOKEN >> $D/ends";
    (1..=STEPS).map(|token| (token, bench.script(token, text))).collect()
}

/// Waits until the agent has said a few more things, so that the next death comes at any point.
async fn some_progress(bench: &Bench, random: &mut Rng) {
    let heard = || bench.leader.script(|script| script.begun.len() + script.reports.len());
    let goal = heard() + random.usize(1..5);
    let over = || (1..=STEPS).all(|token| bench.leader.reported(token).is_some());
    eventually("something is said", || (heard() >= goal || over()).then_some(())).await;
}

/// P1, and rule 6: when only agents die, every step happens once and every outcome is known.
#[tokio::test(flavor = "multi_thread")]
async fn agents_killed_at_random_repeat_nothing_and_lose_nothing() {
    let mut bench = Bench::start().await;
    let mut random = Rng::with_seed(SEED);
    let steps = steps(&bench);
    for _ in 0..11 {
        assign_open(&bench, &steps);
        some_progress(&bench, &mut random).await;
        bench.kill_agent();
        bench.come_back().await;
    }
    assign_open(&bench, &steps);
    for token in 1..=STEPS {
        let mut report = bench.leader.report(token).await;
        let mut grants = 0;
        // Provably never started: the leader may grant it anew, and does.
        while report.outcome() == Outcome::NotStarted {
            assert_eq!(bench.count("effects", token), 0, "token {token} had started");
            grants += 1;
            let again = token + grants * 1000;
            let mut step = bench.script(again, "echo $BATON_TOKEN >> $D/effects");
            step.environment.insert("BATON_TOKEN".into(), token.to_string());
            bench.leader.assign(step);
            report = bench.leader.report(again).await;
        }
        assert_eq!(report.outcome(), Outcome::Succeeded, "{}", report.reason);
    }
    let wrong: Vec<u64> = (1..=STEPS).filter(|token| bench.count("effects", *token) > 1).collect();
    assert!(wrong.is_empty(), "happened more than once: {wrong:?}");
}

/// A05 and A06 in bulk: with supervisors dying as well, an outcome may be unknown, but no report
/// says what is not true.
#[tokio::test(flavor = "multi_thread")]
async fn no_report_lies_when_supervisors_are_killed_too() {
    let mut bench = Bench::start().await;
    let mut random = Rng::with_seed(SEED);
    let steps = steps(&bench);
    for _ in 0..11 {
        assign_open(&bench, &steps);
        some_progress(&bench, &mut random).await;
        let with_agent = random.bool();
        if with_agent {
            bench.kill_agent();
        }
        let supervisors = marked_supervisors(&bench.data_dir());
        let victims = supervisors.iter().filter(|_| random.bool());
        victims.for_each(|pid| kill(*pid));
        if !with_agent {
            bench.kill_agent();
        }
        bench.come_back().await;
    }
    assign_open(&bench, &steps);
    let mut seen = BTreeMap::new();
    for token in 1..=STEPS {
        let outcome = bench.leader.report(token).await.outcome();
        let (begun, ended) = (bench.count("effects", token), bench.count("ends", token));
        match outcome {
            Outcome::Succeeded => assert_eq!((begun, ended), (1, 1), "token {token}"),
            Outcome::NotStarted => assert_eq!((begun, ended), (0, 0), "token {token}"),
            Outcome::Unknown => assert!(begun <= 1 && ended <= begun, "token {token}"),
            other => panic!("token {token}: {other:?}"),
        }
        *seen.entry(format!("{outcome:?}")).or_insert(0) += 1;
    }
    println!("{seen:?}");
    assert!(seen.contains_key("Succeeded"));
    assert!(fs::exists(bench.path("effects")).unwrap());
}
