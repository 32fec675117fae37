//! A run with everything in it, under faults at random moments: leaders and agents are killed and
//! frozen, an operator looks at the targets and settles what is in doubt, and at the end the
//! witnesses are counted. The seed is printed; `BATON_SEED` plays one again.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::Cluster;
use crate::support::marks::{place, text};
use crate::takeover::SHORT_LEASES;

const AGENTS: [(&str, &str); 4] =
    [("west-1", "west"), ("west-2", "west"), ("east-1", "east"), ("east-2", "east")];
const CHAINS: usize = 4;
const LINKS: usize = 5;

/// xorshift.
struct Chance(u64);

impl Chance {
    fn seeded() -> Chance {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_nanos() as u64;
        let seed = std::env::var("BATON_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(now);
        println!("BATON_SEED={seed}");
        Chance(seed | 1)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Chains of steps of all classes; every third may only be worked on alone (a lock), and the others
/// that must not be repeated draw on a resource of two. The last step fails, and all is undone.
fn plan(cluster: &Cluster) -> String {
    let mut spec = String::from("  onFailure: undo\n  resources: {io: 2}\n  steps:\n");
    let mut last = Vec::new();
    for chain in 0..CHAINS {
        for link in 0..LINKS {
            let name = format!("c{chain}-{link}");
            let needs = if link == 0 { String::new() } else { format!("c{chain}-{}", link - 1) };
            let region = ["west", "east"][(chain + link) % 2];
            spec += &format!(
                "    - {{name: {name}, needs: [{needs}], region: {region}, {}}}\n",
                work(cluster, &name, chain + link)
            );
        }
        last.push(format!("c{chain}-{}", LINKS - 1));
    }
    spec += &format!(
        "    - {{name: last, needs: [{}], region: west, idempotent: true, command: 'exit 1'}}\n",
        last.join(", ")
    );
    cluster.plan("everything", &spec)
}

fn work(cluster: &Cluster, name: &str, at: usize) -> String {
    let path = |name: &str| cluster.path(name).display().to_string();
    let mark = cluster.mark(name);
    let (alone, room, violated) = (path("alone"), path("room"), path("violated"));
    let locked = format!("mkdir {alone} || echo lock {name} >> {violated}; {mark}; rmdir {alone}");
    let drawn = format!(
        "mkdir -p {room}; touch {room}/{name}; test $(ls {room} | wc -l) -le 2 || echo io {name} >> {violated}; {mark}; rm {room}/{name}"
    );
    let probe = |way: &str| format!("probe: {{command: 'grep -q \"^{way} \" {}'}}", path(name));
    match at % 3 {
        0 => format!("idempotent: true, command: '{mark}', undo: {{idempotent: true, command: '{mark}'}}"),
        1 => format!(
            "idempotent: false, locks: [alone], {}, command: '{locked}', undo: {{idempotent: false, {}, command: '{mark}'}}",
            probe("do"),
            probe("undo")
        ),
        _ => format!(
            "idempotent: false, draws: {{io: 1}}, command: '{drawn}', undo: {{idempotent: false, command: '{mark}'}}"
        ),
    }
}

/// What is broken until the next fault.
#[derive(Default)]
struct Broken {
    coordinator: Option<u64>,
    killed: Option<&'static str>,
    frozen: Option<&'static str>,
}

impl Broken {
    fn mend(&mut self, cluster: &mut Cluster) {
        self.coordinator.take().into_iter().for_each(|id| cluster.start_server(id));
        self.killed.take().into_iter().for_each(|name| cluster.start_agent(name));
        self.frozen.take().into_iter().for_each(|name| cluster.signal_agent(name, Signal::CONT));
    }

    fn fault(&mut self, cluster: &mut Cluster, chance: &mut Chance) {
        let agent = AGENTS[chance.below(4) as usize].0;
        match chance.below(5) {
            0 | 1 => {
                let leader = cluster.leader();
                cluster.kill_server(leader);
                self.coordinator = Some(leader);
            }
            2 | 3 => {
                cluster.kill_agent(agent);
                self.killed = Some(agent);
            }
            _ => {
                cluster.signal_agent(agent, Signal::STOP);
                self.frozen = Some(agent);
            }
        }
    }
}

/// The operator looks at the target of each step that nobody can decide, once nothing acts any more.
fn decide(cluster: &Cluster, run: &str, shown: &Value) {
    for step in shown["steps"].as_array().expect("steps") {
        let (name, way) = (text(step, "step"), text(step, "direction"));
        let settled = text(&step["doubt"], "known").contains("the attempt can act no more");
        let asked = matches!(text(step, "status"), "in_doubt" | "undo_failed");
        if asked && settled {
            let happened = cluster.marks(name).contains(&format!("{way} {name}"));
            let unwinding = text(shown, "status") != "running" && way == "do";
            let word = if happened {
                "succeeded"
            } else if unwinding {
                "failed"
            } else {
                "retry"
            };
            // It may have been settled in the meantime.
            cluster.baton(&["run", "resolve", run, name, "--as", word, "--reason", "I looked"]);
        }
    }
}

#[test]
fn whatever_dies_everything_is_done_once_and_undone_once() {
    let mut chance = Chance::seeded();
    let mut cluster = Cluster::start(&AGENTS, SHORT_LEASES);
    let plan = plan(&cluster);
    let run = cluster.run(&plan);
    let mut broken = Broken::default();
    for _ in 0..14 {
        for _ in 0..chance.below(12) {
            if let Some(shown) = cluster.try_show(&run) {
                decide(&cluster, &run, &shown);
            }
        }
        broken.mend(&mut cluster);
        broken.fault(&mut cluster, &mut chance);
    }
    broken.mend(&mut cluster);
    cluster.until_ready();
    cluster.until("the run to be undone", || {
        let shown = cluster.show(&run);
        decide(&cluster, &run, &shown);
        shown["status"] == "undone"
    });
    assert_eq!(cluster.witness("violated"), [""; 0], "{}", cluster.show(&run));
    for chain in 0..CHAINS {
        in_order(&cluster, &run, chain);
    }
}

/// Each link once there and once back, the one after the other, under rising tokens.
fn in_order(cluster: &Cluster, run: &str, chain: usize) {
    let (mut done, mut undone) = (0, u64::MAX);
    for link in 0..LINKS {
        let name = format!("c{chain}-{link}");
        let (marks, tokens) = (cluster.marks(&name), cluster.tokens(&name));
        assert!(tokens.is_sorted(), "{name}: {tokens:?}");
        let step = cluster.step(run, &name);
        let at = |way: &str| match (chain + link) % 3 {
            // What may be repeated counts by the last time.
            0 => marks
                .iter()
                .rposition(|mark| *mark == format!("{way} {name}"))
                .unwrap_or_else(|| panic!("no {way}: {step}")),
            _ => place(&marks, &format!("{way} {name}")),
        };
        let (there, back) = (tokens[at("do")], tokens[at("undo")]);
        assert!(done < there && there < back && back < undone, "{name}: {tokens:?} {step}");
        (done, undone) = (there, back);
    }
}
