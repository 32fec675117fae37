//! The same histories, judged by somebody else's search (stateright's), which shares nothing with ours.

use stateright::semantics::register::{Register as Other, RegisterOp, RegisterRet};
use stateright::semantics::{ConsistencyTester as _, LinearizabilityTester};

use super::tests::Op::{self, Read, Write};
use super::tests::{Register, lived};
use super::{Found, Timed, search};

/// What stateright says. It knows threads, each with one operation at a time: an operation takes one that is free.
fn by_stateright(ops: &[Timed<Op>]) -> bool {
    let mut events: Vec<(u64, bool, usize)> = Vec::new();
    for (at, op) in ops.iter().enumerate() {
        events.push((op.began, false, at));
        events.extend(op.ended.map(|ended| (ended, true, at)));
    }
    events.sort_unstable();
    let mut tester = LinearizabilityTester::new(Other(0));
    let mut threads: Vec<Option<usize>> = Vec::new();
    for (_, is_end, at) in events {
        if is_end {
            let thread = threads.iter().position(|busy| *busy == Some(at)).expect("it has begun");
            threads[thread] = None;
            let answer = match ops[at].op {
                Write(_) => RegisterRet::WriteOk,
                Read(value) => RegisterRet::ReadOk(value),
            };
            tester.on_return(thread, answer).expect("its thread waits for it");
            continue;
        }
        let thread = threads.iter().position(Option::is_none).unwrap_or_else(|| {
            threads.push(None);
            threads.len() - 1
        });
        threads[thread] = Some(at);
        let asked = match ops[at].op {
            Write(value) => RegisterOp::Write(value),
            Read(_) => RegisterOp::Read,
        };
        tester.on_invoke(thread, asked).expect("its thread is free");
    }
    tester.is_consistent()
}

/// How often both said *no* and *yes*.
fn compared(seeds: std::ops::Range<u64>, count: std::ops::RangeInclusive<usize>, bent: bool) -> [usize; 2] {
    let mut judged = [0, 0];
    for seed in seeds {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut ops = lived(random.usize(count.clone()), random.usize(2..=3), seed);
        // A read of something older or newer, an end that nobody knows.
        for _ in 0..if bent { random.usize(1..=3) } else { 0 } {
            let at = random.usize(..ops.len());
            match ops[at].op {
                Read(value) => ops[at].op = Read((value + 2).saturating_sub(random.u64(0..=3))),
                Write(_) => ops[at].ended = None,
            }
        }
        let legal = by_stateright(&ops);
        assert_eq!(search(&Register, &ops, 10_000_000) == Found::Legal, legal, "seed {seed}: {ops:?}");
        judged[usize::from(legal)] += 1;
    }
    judged
}

/// That search is slow where the answer is *no*, so bent histories are short.
#[test]
fn another_search_judges_the_same() {
    let [no, yes] = compared(0..300, 5..=20, true);
    assert!(no > 60 && yes > 60, "{no} {yes}");
    assert_eq!(compared(0..40, 60..=100, false), [0, 40]);
}
