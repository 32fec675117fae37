use baton_client::view::{ClusterStatus, Decided, PlanList, Registered, RunList, Started};

use super::{AgentList, RegionList, samples};
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
        shown(&RunList { runs: vec![], more: false, revision: 0 }, Format::Table),
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
        shown(&RegionList::from(samples::status()), Format::Table),
        shown(&RegionList::from(samples::status()), Format::Json),
    ];
    insta::assert_snapshot!(tables.join("\n"));
}

#[test]
fn short_answers() {
    let registered = Registered { plan: "p".into(), plan_version: 2, unchanged: false, revision: 1 };
    let again = Registered { unchanged: true, ..registered.clone() };
    let started = Started { run: "p-1".into(), revision: 1 };
    let decided = Decided { run: "p-1".into(), status: "paused".into(), revision: 1 };
    assert_eq!(shown(&registered, Format::Table), "p is registered as version 2\n");
    assert_eq!(shown(&again, Format::Table), "p is registered already, as version 2\n");
    assert_eq!(shown(&started, Format::Table), "p-1 started; follow it with: baton run watch p-1\n");
    assert_eq!(shown(&started, Format::Json), "{\n  \"run\": \"p-1\"\n}\n");
    assert_eq!(shown(&decided, Format::Table), "p-1 is paused\n");
}

#[test]
fn names_stand_alone() {
    assert_eq!(shown(&samples::runs(), Format::Name), "shop-failover-1\nshop-failover-1\n");
    assert_eq!(shown(&samples::plans(), Format::Name), "bare\nshop-failover\n");
    assert_eq!(shown(&samples::status(), Format::Name), "1\n2\n3\n");
    assert_eq!(shown(&RegionList::from(samples::status()), Format::Name), "east\nnorth\nwest\n");
}

#[test]
fn nothing_from_elsewhere_reaches_the_terminal_as_a_command() {
    let page = samples::in_doubt().table();
    let plain = anstream::adapter::strip_str(&page).to_string();
    assert!(plain.contains("recovery: ·[2Jredo starts"), "{plain}");
}
