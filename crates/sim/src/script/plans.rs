//! Random plans: graphs of steps of every class and kind, out of a random part of all that a plan can say.

use fastrand::Rng;

use super::{PlanSketch, StepSketch};

/// What plans of this schedule may use.
struct Features {
    probe: bool,
    once: bool,
    undo: bool,
    locks: bool,
    resources: bool,
    limits: bool,
    optional: bool,
    each: bool,
    child: bool,
    conditions: bool,
    people: bool,
    waits: bool,
    modes: bool,
    quiescence: bool,
    regions: Vec<String>,
}

/// The plans of a schedule; those that others carry out come first.
pub(super) fn sketch(rng: &mut Rng, regions: &[String]) -> Vec<PlanSketch> {
    let mut toss = || rng.bool();
    let features = Features {
        probe: toss(),
        once: toss(),
        undo: toss(),
        locks: toss(),
        resources: toss(),
        limits: toss(),
        optional: toss(),
        each: toss(),
        child: toss(),
        conditions: toss(),
        people: toss(),
        waits: toss(),
        modes: toss(),
        quiescence: toss(),
        regions: regions.to_vec(),
    };
    let mut plans = Vec::new();
    if features.child {
        let count = rng.usize(1..=3);
        plans.push(plan(rng, &features, "c0", count, &[]));
        if rng.bool() {
            let count = rng.usize(1..=3);
            plans.push(plan(rng, &features, "c1", count, &["c0"]));
        }
    }
    let children: Vec<String> = plans.iter().map(|plan: &PlanSketch| plan.name.clone()).collect();
    let children: Vec<&str> = children.iter().map(String::as_str).collect();
    for number in 0..rng.usize(1..=2) {
        let count = match rng.u32(..100) {
            0..70 => rng.usize(1..=6),
            70..93 => rng.usize(6..=14),
            93..99 => rng.usize(14..=30),
            _ => rng.usize(40..=60),
        };
        plans.push(plan(rng, &features, &format!("p{number}"), count, &children));
    }
    plans
}

/// Some of the first steps, where they may be repeated, take longer than a lease lasts, so that they can be at work when
/// it ends.
pub(super) fn lengthen(rng: &mut Rng, plans: &mut [PlanSketch]) {
    const WORK: &str = "idempotent: true, command: [act, i";
    let steps = plans.iter_mut().flat_map(|plan| plan.steps.iter_mut().take(4));
    for StepSketch { body, .. } in steps.filter(|step| rng.u32(..4) > 0 && !step.body.contains("forEach")) {
        let longer = body.split_once(WORK).and_then(|(before, after)| {
            let (words, after) = after.split_once("timeout: ")?;
            let (_, after) = after.split_once('s')?;
            Some(format!("{before}{WORK}, long{words}timeout: 25s{after}"))
        });
        if let Some(longer) = longer {
            *body = longer;
        }
    }
}

/// Some of what is done by a process is done by the agent itself, which says in other words how it ended.
pub(super) fn make_native(rng: &mut Rng, plans: &mut [PlanSketch]) {
    const WORDS: [(&str, &str); 3] =
        [("command: [act, i", "act i"), ("command: [act, p", "act p"), ("command: [act, n", "act n")];
    const ASK: &str = "probe: {command: [ask]";
    for StepSketch { body, .. } in plans.iter_mut().flat_map(|plan| &mut plan.steps) {
        let knows_codes = ["success:", "noEffect:", "fenced", "long"].iter().any(|key| body.contains(key));
        if knows_codes || rng.bool() {
            continue;
        }
        for (command, sql) in WORDS {
            *body = body.replace(&format!("{command}]"), &native(sql));
        }
        if rng.bool() {
            *body = body.replace(ASK, &format!("probe: {{{}", native("ask")));
        }
    }
}

fn native(sql: &str) -> String {
    format!("postgres: {{host: target, user: baton, sql: {sql}}}")
}

fn plan(rng: &mut Rng, features: &Features, name: &str, count: usize, children: &[&str]) -> PlanSketch {
    let is_child = name.starts_with('c');
    let mut steps: Vec<StepSketch> = Vec::new();
    for number in 0..count {
        let near = number.saturating_sub(6)..number;
        let chance = rng.u32(1..4);
        let needs: Vec<String> =
            near.filter(|_| rng.u32(..4) < chance).map(|need| format!("s{need}")).collect();
        let mut body = body(rng, features, &needs, children);
        if features.conditions && rng.u32(..8) == 0 && !body.contains("barrier") {
            body += match needs.first() {
                Some(need) if rng.bool() => format!(", when: 'steps.{need}.status == \"succeeded\"'"),
                _ => ", when: 'run.mode == \"graceful\"'".to_owned(),
            }
            .as_str();
        }
        let plain = !["plan:", "barrier", "inMode"].iter().any(|key| body.contains(key));
        if features.modes && rng.u32(..8) == 0 && plain {
            let modes = ["graceful", "ungraceful", "drill"];
            body += &format!(", modes: [{}]", modes[rng.usize(..3)]);
        }
        steps.push(StepSketch { name: format!("s{number}"), needs, body });
    }
    PlanSketch { name: name.into(), head: head(rng, features, is_child, &steps), steps }
}

fn head(rng: &mut Rng, features: &Features, is_child: bool, steps: &[StepSketch]) -> Vec<String> {
    let policies = ["stop", "pause", "continue", "undo"];
    let mut head = vec![format!("onFailure: {}", policies[rng.usize(..4)])];
    if features.limits && rng.bool() {
        head.push(format!("limits: {{parallel: {}, perRegion: {}}}", rng.u32(1..6), rng.u32(1..4)));
    }
    if steps.iter().any(|step| step.body.contains("draws:")) {
        head.push(format!("resources: {{io: {}}}", rng.u32(2..4)));
    }
    if features.locks && !is_child && rng.u32(..3) == 0 {
        head.push(format!("locks: [run-{}]", rng.u32(..2)));
    }
    if rng.u32(..8) == 0 {
        head.push(format!("timeout: {}s", rng.u32(8..60)));
    }
    head
}

fn body(rng: &mut Rng, features: &Features, needs: &[String], children: &[&str]) -> String {
    let region = features.regions[rng.usize(..features.regions.len())].clone();
    match rng.u32(..24) {
        0 if features.waits => format!("wait: {}ms", rng.u32(200..3000)),
        1 if features.waits => {
            format!("region: {region}, wait: {{until: {{command: [holds]}}, every: 300ms}}, timeout: 6s")
        }
        2 | 3 if features.people => approval(rng),
        4 if features.people => format!("manual: {{instructions: do it{}}}", patience(rng)),
        5 if features.conditions => {
            let timeout = if rng.bool() { format!(", timeout: {}s", rng.u32(2..15)) } else { String::new() };
            format!("gate: 'run.mode == \"graceful\"'{timeout}")
        }
        6 if needs.len() >= 2 => {
            let timeout = ["", ", timeout: 6s", ", timeout: 4s, onTimeout: proceed"][rng.usize(..3)];
            format!("barrier: {{atLeast: {}{timeout}}}", rng.usize(1..=needs.len()))
        }
        7 | 8 if !children.is_empty() => {
            let each = if rng.u32(..3) == 0 { ", forEach: [x, y]" } else { "" };
            format!("plan: {}{each}", children[rng.usize(..children.len())])
        }
        9 => format!("region: {region}, noop: {{}}"),
        10 => "noop: {}".into(),
        _ => command(rng, features, &region),
    }
}

fn patience(rng: &mut Rng) -> String {
    if rng.bool() { format!(", timeout: {}s", rng.u32(2..15)) } else { String::new() }
}

fn approval(rng: &mut Rng) -> String {
    let mut keys = vec!["message: go on?".to_owned()];
    if rng.bool() {
        keys.push(format!("approvers: {}", rng.u32(1..3)));
    }
    if rng.u32(..3) == 0 {
        keys.push("twoPerson: true".into());
    }
    if rng.bool() {
        let silence = if rng.bool() { "approve" } else { "decline" };
        keys.push(format!("timeout: {}s, onTimeout: {silence}", rng.u32(2..15)));
    }
    format!("approval: {{{}}}", keys.join(", "))
}

fn command(rng: &mut Rng, features: &Features, region: &str) -> String {
    let mut body = format!("region: {region}, {}", work(rng, features, "act"));
    if features.undo && rng.u32(..5) < 3 {
        body += &format!(", undo: {{{}}}", work(rng, features, "undo"));
    }
    if features.optional && rng.u32(..6) == 0 {
        body += ", optional: true";
    }
    if features.locks && rng.u32(..4) == 0 {
        body += &format!(", locks: [step-{}]", rng.u32(..2));
    }
    if features.resources && rng.u32(..4) == 0 {
        body += &format!(", draws: {{io: {}}}", rng.u32(1..3));
    }
    if features.each && rng.u32(..6) == 0 {
        let ways = ["[x, y, z]", "{items: [x, y, z], parallel: 2}", "{items: [x, y, z], atLeast: 2}"];
        body += &format!(", forEach: {}", ways[rng.usize(..3)]);
    }
    if rng.u32(..8) == 0 {
        let policies = ["stop", "pause", "continue", "undo", "{undo: branch}", "{undo: branch}"];
        body += &format!(", onFailure: {}", policies[rng.usize(..6)]);
    }
    if features.modes && rng.u32(..8) == 0 {
        let ways = ["drill: {noop: {}}", "ungraceful: {command: [act, i], idempotent: true, optional: true}"];
        body += &format!(", inMode: {{{}}}", ways[rng.usize(..2)]);
    }
    body
}

/// A doing or an undoing of one of the repeat classes; its argument list tells the simulated target how it behaves.
fn work(rng: &mut Rng, features: &Features, verb: &str) -> String {
    let class = match rng.u32(..3) {
        0 if features.probe => "p",
        1 if features.once => "n",
        _ if features.probe && features.once && rng.bool() => "p",
        _ => "i",
    };
    let mut argv = vec![verb, class];
    let mut more = String::new();
    let backoff = rng.u32(1..8) * 150;
    let retry = format!(", retry: {{attempts: {}, backoff: {backoff}ms}}", rng.u32(2..4));
    match class {
        "i" => {
            if features.quiescence && rng.u32(..3) == 0 {
                more += ", strict: true";
            }
            if rng.bool() {
                more += &retry;
            }
        }
        "p" => {
            more += ", probe: {command: [ask], timeout: 3s}";
            if features.quiescence && rng.u32(..3) == 0 {
                argv.push("fenced");
                more += ", fenced: true";
            }
            if rng.bool() {
                more += &retry;
            }
        }
        _ => {
            if rng.bool() {
                argv.push("clean");
                more += ", noEffect: [75]";
                more += if rng.bool() { &retry } else { "" };
            }
        }
    }
    if features.conditions && rng.u32(..6) == 0 {
        argv.push("three");
        more += ", success: 'exit_code == 0 || exit_code == 3'";
    }
    let idempotent = class == "i";
    let timeout = rng.u32(2..7);
    format!("idempotent: {idempotent}, command: [{}], timeout: {timeout}s{more}", argv.join(", "))
}
