//! Fixed views that the tests of text are written against.

use baton_client::view::*;

mod lists;

pub(crate) use lists::*;

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
        parent: None,
        item: None,
        status: status.into(),
        reason: None,
        region: Some(region.into()),
        idempotent: true,
        optional: false,
        critical: false,
        kind: "command".into(),
        direction: "do".into(),
        undoable: false,
        modes: Vec::new(),
        mode: "ungraceful".into(),
        needs: Vec::new(),
        estimate_ms: None,
        not_before_ms_left: None,
        locks: Vec::new(),
        waits_for_locks: Vec::new(),
        draws: Default::default(),
        approval: None,
        doubt: None,
        outputs: Default::default(),
        attempts,
    }
}

pub(crate) fn doubt(known: &str, choices: &[(&str, &str)]) -> Doubt {
    let choice = |(command, what): &(&str, &str)| Choice {
        command: format!("baton run {command}"),
        what: (*what).to_owned(),
    };
    Doubt { known: known.into(), choices: choices.iter().map(choice).collect() }
}

pub(crate) fn lock(name: &str, step: Option<&str>) -> Lock {
    Lock {
        lock: name.into(),
        run: "shop-failover-7".into(),
        step: step.map(str::to_owned),
        since: time(-200_000),
        held_ms: 203_300,
        operator: "bob@example".into(),
        waiting: vec!["shop-failover-1".into()],
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
        recovery: Recovery { elapsed_ms: 3300, over: false, stop: None },
        predicted_ms: Some(25_000),
        critical_path: ["fence-old-primary", "promote", "shift-dns"].map(String::from).to_vec(),
        takeovers: 1,
        locks: vec!["shop".into()],
        waits_for_locks: Vec::new(),
        children: Default::default(),
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
    promote.doubt = Some(doubt(
        "west-1 began it 2.3s ago and fell silent 1.1s ago; its process may still act",
        &[
            (
                "resolve shop-failover-1 promote --as succeeded --reason TEXT",
                "it happened: shift-dns goes on",
            ),
            ("resolve shop-failover-1 promote --as failed --reason TEXT", "it did not: the run pauses"),
            ("resolve shop-failover-1 promote --as retry --reason TEXT", "attempt 2, with a new token"),
        ],
    ));
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

/// A run with everything that people can be asked, a fan-out, a child plan, and a lock that is waited for.
pub(crate) fn asking() -> RunView {
    let mut run = running();
    let approval = Approval {
        message: "Shift customer traffic?".into(),
        approvers: 2,
        roles: vec!["incident-commander".into()],
        approved_by: vec!["bob@example".into()],
        deadline_ms_left: Some(552_000),
        two_person: true,
    };
    let known =
        "Shift customer traffic? 1 of 2 have approved (bob@example), of the roles incident-commander.";
    let choices = [
        ("approve shop-failover-1 go-ahead --role incident-commander", "one of the approvals"),
        ("decline shop-failover-1 go-ahead --role incident-commander", "the step fails, and the run pauses"),
    ];
    let go_ahead = StepView {
        kind: "approval".into(),
        approval: Some(approval),
        doubt: Some(doubt(known, &choices)),
        ..step("go-ahead", "awaiting_approval", "", vec![])
    };
    let part = |parent: &str, name: &str, status: &str, attempts| StepView {
        parent: Some(parent.into()),
        ..step(name, status, "west", attempts)
    };
    let mut again = attempt(1, 31, "west-1", 900, Some("failed"));
    again.reason = Some("exit code 1".into());
    let waits = StepView {
        not_before_ms_left: Some(1_500),
        reason: Some("exit code 1".into()),
        ..part("restore", "restore[shard-2]", "waiting", vec![again])
    };
    let locked = StepView {
        waits_for_locks: vec![lock("db", Some("vacuum"))],
        reason: Some("lock `db` is held by run shop-failover-7 (step vacuum) for 3m1s".into()),
        ..part("move-db", "move-db/promote", "waiting", vec![])
    };
    let done = vec![attempt(1, 30, "west-1", 900, Some("succeeded"))];
    run.steps = vec![
        StepView { kind: "for_each".into(), ..step("restore", "running", "", vec![]) },
        StepView { kind: "plan".into(), mode: "graceful".into(), ..step("move-db", "running", "", vec![]) },
        go_ahead,
        part("restore", "restore[shard-1]", "succeeded", done),
        waits,
        locked,
    ];
    for step in &mut run.steps {
        step.region = step.region.take().filter(|region| !region.is_empty());
    }
    RunView {
        needs_operator: true,
        reason: Some("awaiting approval: go-ahead".into()),
        children: [("move-db".to_owned(), 4)].into(),
        ..run
    }
}

/// A run that is taken back, and cannot go on with it.
pub(crate) fn stuck() -> RunView {
    let mut run = running();
    let undo = |number, token, outcome| AttemptView {
        direction: "undo".into(),
        ..attempt(number, token, "west-1", 2000, outcome)
    };
    let fence = &mut run.steps[0];
    fence.status = "undoing".into();
    fence.direction = "undo".into();
    fence.attempts.push(undo(2, 22, None));
    let promote = &mut run.steps[1];
    promote.status = "undo_failed".into();
    promote.direction = "undo".into();
    promote.reason = Some("exit code 1".into());
    let failed = AttemptView { stderr: "the standby is gone\n".into(), ..undo(2, 21, Some("failed")) };
    promote.attempts = vec![attempt(1, 12, "west-1", 950, Some("succeeded")), failed];
    promote.doubt = Some(doubt(
        "its undo failed for good: west-1 said exit code 1 in attempt 2",
        &[
            ("retry shop-failover-1 promote", "the undo is attempted again"),
            ("skip shop-failover-1 promote --reason TEXT", "it stays as it is, and the rest is undone"),
        ],
    ));
    RunView {
        status: "stuck".into(),
        reason: Some("undo failed: promote".into()),
        needs_operator: true,
        ..run
    }
}

/// A run that has started nothing, because another holds its lock.
pub(crate) fn queued() -> RunView {
    let mut run = running();
    for step in &mut run.steps {
        (step.status, step.attempts) = ("waiting".into(), vec![]);
    }
    let waits_for_locks = vec![lock("shop", None)];
    RunView { waits_for_locks, takeovers: 0, reason: Some("it waits for its locks".into()), ..run }
}
