//! Which faults befall a schedule, at times and at the points on a step's way where they matter.

use fastrand::Rng;

use super::{Act, At, Entry, Setting, Trigger, Way, Who};

const TRIGGERS: [Trigger; 14] = [
    Trigger::Proposed,
    Trigger::Granted,
    Trigger::Assigned,
    Trigger::Begun,
    Trigger::Starting,
    Trigger::Started,
    Trigger::Checked,
    Trigger::Executing,
    Trigger::Acted,
    Trigger::Exited,
    Trigger::Finished,
    Trigger::Reported,
    Trigger::Recorded,
    Trigger::Asked,
];

/// How many kinds of faults there are; the first so many spare the agents.
const KINDS: usize = 20;
const OF_COORDINATORS: usize = 7;

pub(super) fn sketch(rng: &mut Rng, world: &Setting, regions: &[String]) -> Vec<Entry> {
    let most = if world.only_coordinators { OF_COORDINATORS } else { KINDS };
    let kinds: Vec<usize> = (0..most).filter(|_| rng.u32(..3) == 0).collect();
    if kinds.is_empty() {
        return Vec::new();
    }
    let count = rng.usize(1..18);
    let entry = |rng: &mut Rng| {
        let at = match rng.u32(..3) {
            0 => At::Ms(rng.u64(500..world.faults_ms)),
            _ => At::Nth(TRIGGERS[rng.usize(..TRIGGERS.len())], rng.u32(1..7)),
        };
        let kind = kinds[rng.usize(..kinds.len())];
        Entry { at, act: act(rng, kind, world, regions) }
    };
    (0..count).map(|_| entry(rng)).collect()
}

/// What makes leases end while long steps are at work: an agent or a leader is cut off for longer than that.
pub(super) fn of_leases(rng: &mut Rng, world: &Setting) -> Vec<Entry> {
    let at = At::Nth(Trigger::Executing, rng.u32(1..4));
    let ms = rng.u64(9000..16_000);
    let entry = |act: Act| Entry { at, act };
    if world.only_coordinators || rng.bool() {
        let mut entries = vec![entry(Act::IsolateLeader { ms, one_way: false })];
        if !world.only_coordinators {
            // Whoever comes back has to look for a leader, and may find another than those who stayed.
            let who = Who::Place(rng.usize(..world.agents.len()));
            entries.push(entry(Act::KillAgent { who, ms: rng.u64(1000..3000) }));
        }
        return entries;
    }
    let way = if rng.bool() { Way::Both } else { Way::Up };
    vec![entry(Act::CutAgent { who: Who::Concerned, way, member: None, ms })]
}

fn act(rng: &mut Rng, kind: usize, world: &Setting, regions: &[String]) -> Act {
    let ms = match rng.u32(..3) {
        0 => rng.u64(50..800),
        1 => rng.u64(800..5000),
        _ => rng.u64(5000..14_000),
    };
    let who = match rng.u32(..3) {
        0 => Who::Place(rng.usize(..world.agents.len())),
        _ => Who::Concerned,
    };
    let member = rng.usize(..world.members);
    let pick = rng.u64(..1000);
    match kind {
        0 => Act::KillLeader { ms },
        1 => Act::FreezeLeader { ms },
        2 => Act::KillMember { member, ms },
        3 => Act::KillAllMembers { ms: ms.min(3000) },
        4 => Act::IsolateLeader { ms, one_way: rng.bool() },
        5 => Act::CutMembers { from: member, to: rng.usize(..world.members), ms },
        6 => {
            let hour = 3_600_000;
            let member = rng.bool().then_some(member);
            Act::WallJump { member, ms: if rng.bool() { hour } else { -hour } }
        }
        7 => Act::KillAgent { who, ms: ms.min(6000) },
        8 => Act::FreezeAgent { who, ms },
        9 => Act::FreezeHost { who, ms },
        10 => Act::FreezeAttempt { who, pick, ms },
        11 => Act::Reboot { who, ms: ms.min(6000) },
        12 => Act::LoseFolder { who, ms: ms.min(6000) },
        13 => Act::LoseJournal { who, ms: ms.min(6000) },
        14 => Act::CloneFolder { who, same_machine: rng.bool(), ms },
        15 => Act::KillSupervisor { who, pick, orphan: rng.bool() },
        16 => Act::KillChild { who, pick },
        17 => Act::CutAgent { who, way: way(rng), member: None, ms },
        18 => Act::CutAgent { who, way: way(rng), member: Some(member), ms },
        _ => Act::RegionDown { region: regions[rng.usize(..regions.len())].clone(), ms },
    }
}

fn way(rng: &mut Rng) -> Way {
    [Way::Up, Way::Down, Way::Both][rng.usize(..3)]
}
