//! What is listed, and short answers.

use baton_client::view::*;

use super::{failed, lock, running, time};

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
        preferred_region: Some("north".into()),
    }
}

pub(crate) fn regions() -> RegionList {
    let region = |name: &str, member, leads, live, silent, lost| Region {
        region: name.into(),
        members: vec![member],
        leads,
        agents_live: live,
        agents_silent: silent,
        running: 1,
        slots: 8 * live,
        lost,
    };
    let lost = Lost { since: time(0), operator: "ada@example".into(), reason: "the building burns".into() };
    let regions = vec![region("east", 1, false, 0, 2, Some(lost)), region("west", 2, true, 1, 0, None)];
    RegionList { regions, revision: 40 }
}

pub(crate) fn locks() -> LockList {
    let alone = Lock { waiting: vec![], ..lock("db", Some("vacuum")) };
    LockList { locks: vec![alone, lock("shop", None)], revision: 40 }
}

pub(crate) fn resources() -> ResourceList {
    let holder = |step: &str, units| Holder { run: "shop-failover-1".into(), step: step.into(), units };
    let io = Resource {
        resource: "restore-io".into(),
        capacity: 4,
        set_by_operator: true,
        drawn: 3,
        holders: vec![holder("restore[shard-1]", 2), holder("restore[shard-2]", 1)],
        plans: vec!["shop-failover".into()],
    };
    let bare = Resource {
        resource: "tapes".into(),
        capacity: 1,
        set_by_operator: false,
        drawn: 0,
        holders: vec![],
        plans: vec!["archive".into(), "shop-failover".into()],
    };
    ResourceList { resources: vec![io, bare], revision: 40 }
}

pub(crate) fn templates() -> TemplateList {
    let own = TemplateSummary {
        template: "promote-postgres".into(),
        template_version: 2,
        owner: Some("dba".into()),
        description: Some("Promote a standby, and ask whether it is primary.".into()),
        params: vec!["data-dir".into(), "port".into()],
        operator: Some("ada@example".into()),
        registered_at: time(0),
    };
    let built_in = TemplateSummary {
        template: "write-file".into(),
        template_version: 0,
        owner: None,
        operator: None,
        registered_at: None,
        ..own.clone()
    };
    TemplateList { templates: vec![own, built_in], revision: 40 }
}
