use baton_plan::check_document_bytes;

use super::*;
use crate::output::text;

const SOUND: &str =
    "{apiVersion: baton/v1, kind: Plan, metadata: {name: p}, spec: {steps: [{name: a, noop: {}}]}}";

fn report(files: &[(&str, &str)], strict: bool) -> Report {
    let mut report = Report::default();
    for (file, source) in files {
        let described = check_document_bytes(source.as_bytes(), &Shelf::default());
        report.add(file, source, described, strict);
    }
    report
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn the_forms_of_what_was_found() {
    let report = report(&[("good.yaml", SOUND), ("bad.yaml", "kind: Plan")], false);
    assert!(report.files[0].valid, "{}", report.page);
    let json: serde_json::Value = serde_json::from_str(&text(&report, Format::Json).unwrap()).unwrap();
    assert_eq!(
        (json["files"][0]["name"].as_str(), json["files"][0]["kind"].as_str()),
        (Some("p"), Some("Plan"))
    );
    assert_eq!((&json["problems"][0]["file"], &json["problems"][0]["line"]), (&"bad.yaml".into(), &1.into()));
    assert!(json["warnings"].is_array() && json["findings"].is_array());
    assert_eq!(report.names(), ["bad.yaml"]);
    assert!(plain(&report.table()).contains("✓ good.yaml: plan p, 1 step"), "{}", report.table());
    let verdict = report.verdict(false).unwrap();
    assert_eq!(
        (verdict.exit, verdict.as_json()["error"]["message"].as_str()),
        (Exit::InvalidPlan, Some("1 of 2 files invalid"))
    );
}

#[test]
fn findings_count_only_where_they_are_asked_for() {
    let relaxed = report(&[("good.yaml", SOUND)], false);
    let strict = report(&[("good.yaml", SOUND)], true);
    assert!(relaxed.verdict(false).is_none());
    assert!(!strict.findings.is_empty(), "a plan without an owner is not perfect");
    assert_eq!(strict.verdict(true).map(|failure| failure.exit), Some(Exit::InvalidPlan));
    let finding = &strict.findings[0].what;
    assert!(plain(&strict.page).contains(&format!("finding[{}]: ", finding.code)), "{}", strict.page);
    assert!(!relaxed.page.contains("finding"), "{}", relaxed.page);
}
