use baton_client::view::{
    Approval, ClusterStatus, Decided, LockList, PlanList, Registered, ResourceList, RunList, Started,
    TemplateList,
};

use super::{
    AgentList, BackedUp, CapacitySet, LeaderPreferred, LeaderTransferred, MemberChanged, RegionSettled,
    Restored, samples,
};
use crate::output::{Data, Format, text};

/// The text without its colours, as a pipe gets it.
fn shown(data: &impl Data, format: Format) -> String {
    anstream::adapter::strip_str(&text(data, format).unwrap()).to_string()
}

#[test]
fn a_run_while_it_goes_on() {
    insta::assert_snapshot!(shown(&samples::running(), Format::Table));
}

#[test]
fn a_run_that_waits_for_a_person_says_what_to_do() {
    insta::assert_snapshot!(shown(&samples::in_doubt(), Format::Table));
}

#[test]
fn people_locks_items_and_children_are_shown_where_they_belong() {
    insta::assert_snapshot!(shown(&samples::asking(), Format::Table));
}

#[test]
fn a_run_that_is_stuck_in_its_undo() {
    insta::assert_snapshot!(shown(&samples::stuck(), Format::Table));
}

#[test]
fn a_run_that_waits_for_its_locks_names_the_holder() {
    insta::assert_snapshot!(shown(&samples::queued(), Format::Table));
}

#[test]
fn a_run_that_failed_shows_what_was_complained_about() {
    insta::assert_snapshot!(shown(&samples::failed(), Format::Table));
}

#[test]
fn a_run_for_programs() {
    insta::assert_snapshot!(shown(&samples::in_doubt(), Format::Json));
}

#[test]
fn a_run_as_yaml_says_the_same_as_json() {
    let yaml = shown(&samples::failed(), Format::Yaml);
    insta::assert_snapshot!(yaml);
}

#[test]
fn lists() {
    let tables = [
        shown(&samples::runs(), Format::Table),
        shown(&samples::plans(), Format::Table),
        shown(&samples::events(), Format::Table),
        shown(&samples::templates(), Format::Table),
        shown(&samples::regions(), Format::Table),
        shown(&samples::locks(), Format::Table),
        shown(&samples::resources(), Format::Table),
        shown(&RunList { runs: vec![], more: false, revision: 0 }, Format::Table),
        shown(&TemplateList { templates: vec![], revision: 0 }, Format::Table),
        shown(&LockList { locks: vec![], revision: 0 }, Format::Table),
        shown(&ResourceList { resources: vec![], revision: 0 }, Format::Table),
        shown(&PlanList { plans: vec![], revision: 0 }, Format::Table),
    ];
    insta::assert_snapshot!(tables.join("\n"));
}

#[test]
fn the_cluster() {
    let nobody = ClusterStatus { leader: None, agents: vec![], ..samples::status() };
    let tables = [
        shown(&samples::status(), Format::Table),
        shown(&nobody, Format::Table),
        shown(&AgentList::from(samples::status()), Format::Table),
    ];
    insta::assert_snapshot!(tables.join("\n"));
}

#[test]
fn short_answers() {
    let registered =
        Registered { kind: "Plan".into(), plan: "p".into(), plan_version: 2, unchanged: false, revision: 1 };
    let again = Registered { unchanged: true, ..registered.clone() };
    let started = Started { run: "p-1".into(), revision: 1 };
    assert_eq!(shown(&registered, Format::Table), "p is registered as version 2\n");
    assert_eq!(shown(&again, Format::Table), "p is registered already, as version 2\n");
    assert_eq!(shown(&started, Format::Table), "p-1 started; follow it with: baton run watch p-1\n");
    assert_eq!(shown(&started, Format::Json), "{\n  \"run\": \"p-1\"\n}\n");
    let template = Registered { kind: "StepTemplate".into(), ..registered };
    assert_eq!(shown(&template, Format::Table), "step template p is registered as version 2\n");
}

#[test]
fn after_a_decision_it_is_said_what_became_of_it() {
    let about = |step: Option<&str>, step_status: Option<&str>, status: &str| Decided {
        run: "p-1".into(),
        status: status.into(),
        reason: None,
        step: step.map(str::to_owned),
        step_status: step_status.map(str::to_owned),
        approval: None,
        revision: 1,
    };
    let paused = Decided { reason: Some("ada asked for it".into()), ..about(None, None, "paused") };
    assert_eq!(shown(&paused, Format::Table), "p-1 is paused: ada asked for it\n");
    let skipped = about(Some("cache"), Some("skipped"), "running");
    assert_eq!(shown(&skipped, Format::Table), "cache is skipped; p-1 is running\n");
    let approval = Approval {
        message: "Shift?".into(),
        approvers: 2,
        roles: vec![],
        approved_by: vec!["ada".into()],
        deadline_ms_left: None,
        two_person: false,
    };
    let approved = |status| Decided {
        approval: Some(approval.clone()),
        ..about(Some("go-ahead"), Some(status), "running")
    };
    assert_eq!(
        shown(&approved("awaiting_approval"), Format::Table),
        "go-ahead has 1 of 2 approvals (ada); p-1 is running\n"
    );
    assert_eq!(shown(&approved("succeeded"), Format::Table), "go-ahead is succeeded; p-1 is running\n");
    insta::assert_snapshot!(shown(&approved("awaiting_approval"), Format::Json));
}

#[test]
fn what_is_settled_for_everyone_is_said() {
    let region = |lost| RegionSettled { region: "east".into(), lost, revision: 1 };
    let capacity = |capacity| CapacitySet { resource: "restore-io".into(), capacity, revision: 1 };
    let said = [
        shown(&region(true), Format::Table),
        shown(&region(false), Format::Table),
        shown(&capacity(Some(3)), Format::Table),
        shown(&capacity(None), Format::Table),
    ];
    insta::assert_snapshot!(said.concat());
}

#[test]
fn what_became_of_the_cluster_is_said() {
    let member = |role| MemberChanged { member: 4, role, revision: 9 };
    let backed_up = BackedUp {
        file: "shop.backup".into(),
        bytes: 4096,
        cluster: "c".into(),
        revision: 9,
        taken_at: baton_client::view::Time::from_ms(1_700_000_000_000),
        runs: 3,
        active: 1,
    };
    let restored = Restored {
        data_dir: "/data".into(),
        member: 1,
        cluster: "c".into(),
        epoch: 7,
        revision: 9,
        active: 1,
        waits_for: vec!["east-1".into(), "west-1".into()],
        still_there: Vec::new(),
    };
    let mut said: Vec<_> =
        ["learner", "voter", "removed"].map(|role| shown(&member(role), Format::Table)).into();
    said.push(shown(&LeaderTransferred { from: 1, leader: 4 }, Format::Table));
    for preferred_region in [Some("east".to_owned()), None] {
        said.push(shown(&LeaderPreferred { preferred_region, revision: 42 }, Format::Table));
    }
    said.push(shown(&backed_up, Format::Table));
    said.push(shown(&restored, Format::Table));
    said.push(shown(&backed_up, Format::Json));
    said.push(shown(&restored, Format::Json));
    insta::assert_snapshot!(said.concat());
}

#[test]
fn names_stand_alone() {
    assert_eq!(shown(&samples::runs(), Format::Name), "shop-failover-1\nshop-failover-1\n");
    assert_eq!(shown(&samples::plans(), Format::Name), "bare\nshop-failover\n");
    assert_eq!(shown(&samples::status(), Format::Name), "1\n2\n3\n");
    assert_eq!(shown(&samples::regions(), Format::Name), "east\nwest\n");
}

#[test]
fn a_view_that_goes_round_in_circles_ends_all_the_same() {
    let mut run = samples::running();
    run.steps[0].parent = Some("promote".into());
    run.steps[1].parent = Some("fence-old-primary".into());
    assert!(run.table().contains("warm-cache"));
}

#[test]
fn nothing_from_elsewhere_reaches_the_terminal_as_a_command() {
    let page = samples::in_doubt().table();
    let plain = anstream::adapter::strip_str(&page).to_string();
    assert!(plain.contains("recovery: ·[2Jredo starts"), "{plain}");
}
