//! Fixed views that the tests of text are written against.

use baton_client::view::*;

/// A Tuesday in November.
const START_MS: i64 = 1_700_000_000_000;

pub(crate) fn time(after_ms: i64) -> Option<Time> {
    Some(Time::from_ms(START_MS + after_ms))
}

/// An attempt that was granted after so long; with an outcome it took 900 ms.
pub(crate) fn attempt(
    number: u32,
    token: u64,
    agent: &str,
    at_ms: i64,
    outcome: Option<&str>,
) -> AttemptView {
    AttemptView {
        attempt: number,
        token,
        agent: Some(agent.into()),
        direction: "do".into(),
        outcome: outcome.map(str::to_owned),
        reason: None,
        exit_code: outcome
            .filter(|outcome| *outcome != "unknown")
            .map(|outcome| i32::from(outcome == "failed")),
        begun: true,
        started_at: time(at_ms),
        ended_at: outcome.and_then(|_| time(at_ms + 900)),
        elapsed_ms: if outcome.is_some() { 900 } else { 400 },
        stdout: String::new(),
        stderr: String::new(),
    }
}

pub(crate) fn step(name: &str, status: &str, region: &str, attempts: Vec<AttemptView>) -> StepView {
    StepView {
        step: name.into(),
        status: status.into(),
        reason: None,
        region: Some(region.into()),
        idempotent: true,
        optional: false,
        critical: false,
        kind: "command".into(),
        needs: Vec::new(),
        estimate_ms: None,
        outputs: Default::default(),
        attempts,
    }
}

/// A run in the middle of its work, with a leader that was lost.
pub(crate) fn running() -> RunView {
    let done = vec![attempt(1, 11, "east-1", 10, Some("succeeded"))];
    let twice = vec![attempt(1, 12, "west-1", 950, Some("failed")), attempt(2, 15, "west-1", 2900, None)];
    let fence = StepView { critical: true, ..step("fence-old-primary", "succeeded", "east", done) };
    let promote = StepView { critical: true, idempotent: false, ..step("promote", "running", "west", twice) };
    let dns = StepView { critical: true, ..step("shift-dns", "waiting", "west", vec![]) };
    RunView {
        run: "shop-failover-1".into(),
        plan: "shop-failover".into(),
        plan_version: 3,
        mode: "ungraceful".into(),
        drill: true,
        status: "running".into(),
        reason: None,
        needs_operator: false,
        exceptions: 0,
        params: [("from".to_owned(), "east".to_owned()), ("to".to_owned(), "west".to_owned())].into(),
        operator: "ada@example".into(),
        started_at: time(0),
        ended_at: None,
        elapsed_ms: 3300,
        objectives: Objectives { rto_ms: Some(900_000), rpo_ms: Some(30_000) },
        predicted_ms: Some(25_000),
        critical_path: ["fence-old-primary", "promote", "shift-dns"].map(String::from).to_vec(),
        takeovers: 1,
        steps: vec![fence, promote, step("warm-cache", "waiting", "west", vec![]), dns],
        revision: 40,
    }
}

/// The same run, at a point where a person is needed.
pub(crate) fn in_doubt() -> RunView {
    let mut run = running();
    let promote = &mut run.steps[1];
    promote.status = "in_doubt".into();
    promote.reason = Some("its agent and its process are gone, and no probe can tell".into());
    let last = attempt(1, 12, "west-1", 950, Some("unknown"));
    let stderr = "waiting for the standby\nrecovery: \u{1b}[2Jredo starts\n".into();
    promote.attempts = vec![AttemptView { stderr, ..last }];
    RunView { needs_operator: true, ..run }
}

/// The same run at its end, which was not a good one.
pub(crate) fn failed() -> RunView {
    let mut run = running();
    let promote = &mut run.steps[1];
    promote.status = "failed".into();
    promote.reason = Some("exit code 1".into());
    let stderr = (1..=9).map(|line| format!("line {line}\n")).collect();
    promote.attempts = vec![AttemptView { stderr, ..attempt(1, 12, "west-1", 950, Some("failed")) }];
    for step in &mut run.steps[2..] {
        step.status = "canceled".into();
    }
    RunView {
        status: "failed".into(),
        reason: Some("step promote failed".into()),
        exceptions: 1,
        ended_at: time(3300),
        ..run
    }
}

pub(crate) fn runs() -> RunList {
    let line = |run: RunView, steps_done| RunSummary {
        run: run.run,
        plan: run.plan,
        plan_version: run.plan_version,
        status: run.status,
        reason: run.reason,
        started_at: run.started_at,
        ended_at: run.ended_at,
        steps: 4,
        steps_done,
    };
    RunList { runs: vec![line(running(), 1), line(failed(), 1)], more: true, revision: 40 }
}

pub(crate) fn plans() -> PlanList {
    let plan = PlanSummary {
        plan: "shop-failover".into(),
        plan_version: 3,
        owner: Some("payments-sre".into()),
        description: Some("Move the shop.".into()),
        steps: 4,
        runs: 2,
        registered_at: time(0),
    };
    let bare =
        PlanSummary { plan: "bare".into(), plan_version: 1, owner: None, description: None, ..plan.clone() };
    PlanList { plans: vec![bare, plan], revision: 40 }
}

pub(crate) fn events() -> EventList {
    let event = |sequence, kind: &str, step: Option<&str>, text: &str| Event {
        sequence,
        at: time(sequence as i64 * 100),
        elapsed_ms: sequence * 100,
        kind: kind.into(),
        step: step.map(str::to_owned),
        text: text.into(),
        fields: Default::default(),
        revision: 30 + sequence,
        digest: "00ff".into(),
    };
    let events = vec![
        event(1, "run_started", None, "ada@example started shop-failover, version 3"),
        event(2, "step_granted", Some("promote"), "attempt 1 goes to west-1 with token 12"),
    ];
    EventList { events, more: false, revision: 40 }
}

pub(crate) fn status() -> ClusterStatus {
    let member = |id, region: &str, role: &str, reachable| Member {
        id,
        region: region.into(),
        address: format!("127.0.0.1:700{id}"),
        role: role.into(),
        reachable,
        last_log: reachable.then_some(40),
        applied: reachable.then_some(40),
    };
    let agent = |name: &str, region: &str, status: &str| Agent {
        name: name.into(),
        region: region.into(),
        status: status.into(),
        running: 1,
        slots: 8,
        labels: [("disk".to_owned(), "fast".to_owned())].into(),
    };
    ClusterStatus {
        leader: Some(2),
        term: 4,
        members: vec![
            member(1, "east", "follower", false),
            member(2, "west", "leader", true),
            member(3, "north", "follower", true),
        ],
        agents: vec![agent("east-1", "east", "silent"), agent("west-1", "west", "live")],
        cluster: "c".into(),
        answered_by: 2,
    }
}
