//! What operators and an agent say to a coordinator that leads a run, message by message, as bytes on the wire: none of
//! it may break a law of the engine.
#![no_main]

use baton_engine::command::{Join, Mode, Request, Speaker};
use baton_engine::{Batch, Command, Stamp, State, invariants};
use baton_node::doors::said;
use libfuzzer_sys::fuzz_target;

const PLAN: &str = "
apiVersion: baton/v1
kind: Plan
metadata: {name: p}
spec:
  onFailure: pause
  steps:
    - {name: i, region: r, idempotent: true, command: [i], undo: {command: [u], idempotent: true}}
    - {name: p, region: r, idempotent: false, command: [p], probe: {command: [q]}, retry: {attempts: 2}}
    - {name: n, needs: [i], region: r, idempotent: false, command: [n], success: 'exit_code == 0'}
    - {name: a, approval: {message: go, approvers: 2, timeout: 5s}}
    - {name: m, needs: [a], manual: {instructions: pull the plug}}
    - {name: f, needs: [i], forEach: {items: [x, y], parallel: 1}, region: r, idempotent: true, command: [f]}
";

fuzz_target!(|bytes: &[u8]| {
    let speaker = Speaker { agent: "a".into(), incarnation: "1".into() };
    let mut state = State::default();
    for (index, command) in (1..).zip(begun(&speaker).into_iter().chain(said(&speaker, bytes))) {
        let commands = vec![command, Command::Tick];
        let batch = Batch { stamp: Stamp { time_ms: index * 500, wall_ms: 0 }, term: 1, commands };
        let _ = state.apply(index, &batch);
        invariants::check(&state).unwrap_or_else(|violation| panic!("{violation}"));
    }
});

/// A run with attempts granted to the agent.
fn begun(speaker: &Speaker) -> Vec<Command> {
    let request = |id: &str| Request { id: id.into(), operator: "ana".into(), roles: vec![] };
    let plan = baton_plan::check(PLAN).expect("a plan").plan;
    let join = Join {
        speaker: speaker.clone(),
        region: "r".into(),
        host: "h".into(),
        boot: "b".into(),
        slots: 4,
        labels: Default::default(),
    };
    let start = Command::StartRun {
        request: request("2"),
        plan: "p".into(),
        version: None,
        params: Default::default(),
        mode: Mode::Ungraceful,
        drill: false,
        queue: false,
    };
    vec![
        Command::TakeOffice { node: 1 },
        Command::RegisterPlan { request: request("1"), plan: plan.into(), source: PLAN.into() },
        Command::JoinAgent(join),
        start,
    ]
}
