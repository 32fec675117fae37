use std::time::Duration;

use baton_client::NoQuorum;

use super::*;

fn no_quorum(may_be_written: bool) -> Error {
    Error::NoQuorum(NoQuorum {
        servers: vec!["127.0.0.1:7001".into()],
        waited: Duration::from_secs(10),
        last: Some("127.0.0.1:7001: connection refused".into()),
        request_id: Some("r-1".into()),
        may_be_written,
    })
}

#[test]
fn every_error_of_the_client_has_its_exit_code() {
    let exit = |error: Error| Failure::from(error).exit as u8;
    assert_eq!(exit(Error::Other("x".into())), 1);
    assert_eq!(exit(Error::Usage("x".into())), 2);
    assert_eq!(exit(Error::InvalidPlan("x".into())), 3);
    assert_eq!(exit(Error::NotFound("x".into())), 4);
    assert_eq!(exit(no_quorum(false)), 5);
    assert_eq!(exit(Error::Refused("x".into())), 7);
}

#[test]
fn an_unknown_outcome_names_the_id_to_repeat_with() {
    let json = Failure::from(no_quorum(true)).as_json();
    assert_eq!(json["error"]["code"], "no_quorum");
    let hint = json["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("--request-id r-1"), "{hint}");
    let hint = Failure::from(no_quorum(false)).as_json()["error"]["hint"].to_string();
    assert!(!hint.contains("--request-id"), "{hint}");
}

#[test]
fn json_is_found_in_arguments_that_make_no_sense() {
    let wants = |text: &str| wants_json(text.split(' ').map(str::to_owned));
    assert!(wants("baton rum list -o json"));
    assert!(wants("baton run lsit --output=json"));
    assert!(!wants("baton run list -o yaml json"));
}

#[test]
fn a_usage_error_has_a_message_and_a_hint() {
    use clap::Parser;
    let error = crate::Arguments::try_parse_from(["baton", "run", "lsit"]).unwrap_err();
    let json = usage_failure(&error).as_json();
    assert_eq!(json["error"]["exit_code"], 2);
    assert_eq!(json["error"]["message"], "unrecognized subcommand 'lsit'");
    assert_eq!(json["error"]["hint"], "a similar subcommand exists: 'list'; Usage: baton run <COMMAND>");
    let missing = crate::Arguments::try_parse_from(["baton", "run", "skip", "r", "s"]).unwrap_err();
    let json = usage_failure(&missing).as_json();
    assert_eq!(
        json["error"]["message"],
        "the following required arguments were not provided: --reason <TEXT>"
    );
}

#[test]
fn a_hint_for_programs_is_clean_text() {
    let hint = "promote is in_doubt: nobody knows\n  baton run resolve r promote --as retry --reason TEXT\n      again";
    let failure = Failure::new(Exit::NeedsOperator, "it waits").hint(hint).page("a page\n  with layout\n");
    let json = failure.as_json();
    assert_eq!(
        json["error"]["hint"],
        "promote is in_doubt: nobody knows baton run resolve r promote --as retry --reason TEXT again"
    );
    assert_eq!(json["error"]["message"], "it waits", "the page is for people");
    let text = anstream::adapter::strip_str(&failure.as_text()).to_string();
    assert_eq!(text, format!("error: it waits\n\na page\n  with layout\nhint: {hint}"));
}
