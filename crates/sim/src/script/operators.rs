//! What people do: they start runs, and then a random part of all that can be decided.

use fastrand::Rng;

use super::{Act, At, Entry, How, Op, PlanSketch, Setting};

/// How many kinds of decisions there are.
const KINDS: usize = 16;

pub(super) fn sketch(rng: &mut Rng, world: &Setting, plans: &[PlanSketch], regions: &[String]) -> Vec<Entry> {
    let (ungraceful, drills, queue) = (rng.bool(), rng.u32(..4) == 0, rng.bool());
    let mut entries = Vec::new();
    for _ in 0..rng.usize(1..=3) {
        let plan = plans[rng.usize(..plans.len())].name.clone();
        let start =
            Op::Start { plan, ungraceful: ungraceful || rng.bool(), drill: drills && rng.bool(), queue };
        let ms = rng.u64(400..2500);
        entries.push(Entry { at: At::Ms(ms), act: Act::Operator(start) });
    }
    let kinds: Vec<usize> = (0..KINDS).filter(|_| rng.u32(..3) == 0).collect();
    if kinds.is_empty() || rng.u32(..4) == 0 {
        return entries;
    }
    for _ in 0..rng.usize(1..16) {
        let ms = rng.u64(1500..world.faults_ms);
        let kind = kinds[rng.usize(..kinds.len())];
        let op = op(rng, kind, plans, regions);
        // Two people at once, of one mind or of two.
        if rng.u32(..6) == 0 {
            let kind = kinds[rng.usize(..kinds.len())];
            let other = if rng.bool() { op.clone() } else { self::op(rng, kind, plans, regions) };
            entries.push(Entry { at: At::Ms(ms), act: Act::Operator(other) });
        }
        if !(world.only_coordinators && matches!(op, Op::DeclareLost { .. })) {
            entries.push(Entry { at: At::Ms(ms), act: Act::Operator(op) });
        }
    }
    entries.retain(|entry| {
        !(world.only_coordinators && matches!(entry.act, Act::Operator(Op::DeclareLost { .. })))
    });
    entries
}

fn op(rng: &mut Rng, kind: usize, plans: &[PlanSketch], regions: &[String]) -> Op {
    let pick = rng.u64(..1000);
    let region = || regions[pick as usize % regions.len()].clone();
    match kind {
        0 => Op::Pause { pick },
        1 | 2 => Op::Resume { pick },
        3 => Op::Cancel { pick, undo: rng.bool() },
        4 => Op::Undo { pick },
        5 => Op::Escalate { pick, step: rng.bool() },
        6 | 7 => {
            let ways = [How::Truthfully, How::Truthfully, How::Succeeded, How::Failed, How::Retry];
            Op::Resolve { pick, how: ways[rng.usize(..5)] }
        }
        8 => Op::Skip { pick },
        9 => Op::Retry { pick },
        10 => Op::Ask { pick },
        11 => match rng.u32(..3) {
            0 => Op::Decline { pick },
            _ => Op::Approve { pick },
        },
        12 => match rng.bool() {
            true => Op::Override { pick },
            false => Op::Finish { pick },
        },
        13 => Op::DeclareLost { region: region(), truly: rng.u32(..3) > 0 },
        14 => Op::Restore { region: region() },
        _ => match rng.bool() {
            true => {
                Op::SetCapacity { resource: "io".into(), units: [None, Some(1), Some(4)][rng.usize(..3)] }
            }
            false => Op::Register { plan: plans[rng.usize(..plans.len())].name.clone() },
        },
    }
}
