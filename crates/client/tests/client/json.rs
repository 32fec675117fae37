//! The field names are a contract with everyone's scripts.

use baton_client::view::*;
use serde_json::{Value, json, to_value};

fn keys(value: &Value) -> Vec<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

/// Every name of the contract is there; more may be.
fn has(value: &Value, names: &[&str]) {
    let keys = keys(value);
    for name in names {
        assert!(keys.iter().any(|key| key == name), "`{name}` is missing among {keys:?}");
    }
}

fn attempt() -> AttemptView {
    AttemptView {
        attempt: 1,
        token: 17,
        agent: Some("west-1".into()),
        direction: "do".into(),
        outcome: None,
        reason: None,
        exit_code: None,
        begun: true,
        started_at: Some(Time::from_ms(1_700_000_000_500)),
        ended_at: None,
        elapsed_ms: 12,
        stdout: "out".into(),
        stderr: String::new(),
    }
}

fn step() -> StepView {
    StepView {
        step: "promote".into(),
        parent: None,
        item: None,
        status: "running".into(),
        reason: None,
        region: Some("west".into()),
        idempotent: false,
        optional: false,
        critical: true,
        kind: "command".into(),
        direction: "do".into(),
        undoable: true,
        modes: vec![],
        mode: "ungraceful".into(),
        needs: vec![],
        estimate_ms: None,
        not_before_ms_left: None,
        locks: vec![],
        waits_for_locks: vec![],
        draws: Default::default(),
        approval: None,
        doubt: None,
        outputs: [("generation".to_owned(), "2".to_owned())].into(),
        attempts: vec![attempt()],
    }
}

fn run() -> RunView {
    RunView {
        run: "r".into(),
        plan: "shop-failover".into(),
        plan_version: 3,
        mode: "ungraceful".into(),
        drill: false,
        status: "running".into(),
        reason: None,
        needs_operator: false,
        exceptions: 0,
        params: [("to".to_owned(), "west".to_owned())].into(),
        operator: "ada@example".into(),
        started_at: Some(Time::from_ms(1_700_000_000_000)),
        ended_at: None,
        elapsed_ms: 512,
        objectives: Objectives { rto_ms: Some(900_000), rpo_ms: None },
        recovery: Recovery { elapsed_ms: 1200, over: true, stop: Some("check".into()) },
        predicted_ms: None,
        critical_path: vec!["promote".into()],
        takeovers: 1,
        locks: vec!["shop".into()],
        waits_for_locks: vec![],
        children: [("move-db".to_owned(), 2)].into(),
        steps: vec![step()],
        revision: 40,
    }
}

#[test]
fn a_run() {
    let value = to_value(run()).unwrap();
    let names = "run plan plan_version mode drill status reason exceptions params started_at ended_at \
                 elapsed_ms objectives critical_path takeovers steps";
    has(&value, &names.split_whitespace().collect::<Vec<_>>());
    assert_eq!(value["started_at"], "2023-11-14T22:13:20.000Z");
    assert_eq!(value["ended_at"], Value::Null);
    assert_eq!(value["reason"], Value::Null);
    assert_eq!(value["objectives"], json!({"rto_ms": 900_000, "rpo_ms": null}));
    assert_eq!(value["params"], json!({"to": "west"}));
}

#[test]
fn a_step_and_an_attempt() {
    let value = to_value(run()).unwrap();
    let step = &value["steps"][0];
    has(step, &["step", "status", "reason", "region", "idempotent", "outputs", "attempts", "direction"]);
    let attempt = &step["attempts"][0];
    let names = "attempt token agent direction outcome exit_code started_at ended_at stdout stderr";
    has(attempt, &names.split_whitespace().collect::<Vec<_>>());
    for absent in ["outcome", "exit_code", "ended_at"] {
        assert_eq!(attempt[absent], Value::Null, "{absent}");
    }
    assert_eq!(attempt["token"], 17);
}

#[test]
fn the_lists_and_the_status() {
    let started = Started { run: "r".into(), revision: 1 };
    assert_eq!(to_value(started).unwrap(), json!({"run": "r"}));
    let summary = RunSummary {
        run: "r".into(),
        plan: "p".into(),
        plan_version: 1,
        status: "running".into(),
        reason: None,
        started_at: None,
        ended_at: None,
        steps: 2,
        steps_done: 1,
    };
    let list = to_value(RunList { runs: vec![summary], more: false, revision: 1 }).unwrap();
    has(&list["runs"][0], &["run", "plan", "status", "reason", "started_at", "ended_at"]);

    let status = ClusterStatus {
        leader: None,
        term: 3,
        members: vec![Member {
            id: 1,
            region: "east".into(),
            address: "127.0.0.1:7001".into(),
            role: "follower".into(),
            reachable: true,
            last_log: Some(9),
            applied: Some(9),
        }],
        agents: vec![Agent {
            name: "east-1".into(),
            region: "east".into(),
            status: "silent".into(),
            running: 0,
            slots: 8,
            labels: Default::default(),
        }],
        cluster: "c".into(),
        answered_by: 1,
        preferred_region: None,
    };
    let status = to_value(status).unwrap();
    has(&status, &["leader", "term", "members", "agents", "preferred_region"]);
    assert_eq!(status["leader"], Value::Null);
    has(&status["members"][0], &["id", "region", "address", "role", "reachable", "last_log", "applied"]);
    has(&status["agents"][0], &["name", "region", "status", "running", "slots"]);
}
