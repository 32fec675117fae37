//! The built binary where there is no cluster: exit codes, and what is said on which stream.

use std::io::Read;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// An address that nobody listens on.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

fn baton(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
    command.args(arguments).env_remove("BATON_SERVERS").env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    baton(arguments).output().expect("baton runs")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

#[track_caller]
fn error(output: &Output) -> Value {
    assert!(output.stdout.is_empty(), "stdout is data, and there is none: {output:?}");
    let value: Value = serde_json::from_slice(&output.stderr).unwrap_or_else(|_| panic!("{output:?}"));
    value["error"].clone()
}

fn plan(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().expect("a file");
    std::fs::write(file.path(), text).expect("the plan");
    file
}

const SOUND: &str =
    "{apiVersion: baton/v1, kind: Plan, metadata: {name: p}, spec: {steps: [{name: a, noop: {}}]}}";

#[test]
fn usage_ends_with_2() {
    assert_eq!(code(&run(&["run", "frobnicate"])), 2);
    assert_eq!(code(&run(&["run", "list"])), 2, "no coordinator is named");
    let said = run(&["run", "list", "--frob", "-o", "json"]);
    assert_eq!((code(&said), error(&said)["code"].as_str()), (2, Some("usage")));
    let said = run(&["run", "list", "--servers", "nonsense", "-o", "json"]);
    assert!(error(&said)["message"].as_str().is_some_and(|text| text.contains("HOST:PORT")), "{said:?}");
    assert_eq!(code(&run(&["run", "list", "--help"])), 0);
}

#[test]
fn a_wrong_plan_ends_with_3_before_anyone_is_asked() {
    let wrong =
        plan("apiVersion: baton/v1\nkind: Plan\nmetadata: {name: p}\nspec: {steps: [{name: a, nop: {}}]}\n");
    let path = wrong.path().to_str().expect("UTF-8");
    let said = run(&["run", "start", path, "--servers", &nobody(), "-o", "json"]);
    assert_eq!(code(&said), 3, "{said:?}");
    let error = error(&said);
    assert_eq!(error["code"], "invalid_plan");
    assert_eq!(error["problems"][0]["line"], 4);

    let sound = plan(SOUND);
    let said = run(&["plan", "check", sound.path().to_str().expect("UTF-8"), path, "-o", "json"]);
    let found: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    assert_eq!(
        (code(&said), &found["files"][0]["valid"], &found["files"][1]["valid"]),
        (3, &true.into(), &false.into())
    );
}

#[test]
fn without_a_quorum_everything_ends_with_5() {
    let servers = nobody();
    let sound = plan(SOUND);
    let file = sound.path().to_str().expect("UTF-8");
    for arguments in [
        &["run", "list"][..],
        &["run", "start", "p", "--wait"],
        &["run", "start", file],
        &["run", "watch", "p-1"],
        &["run", "resolve", "p-1", "a", "--as", "retry", "--reason", "x"],
        &["cluster", "status"],
        &["agent", "list"],
    ] {
        let arguments = [arguments, &["--timeout", "200ms", "-o", "json"]].concat();
        let said = baton(&arguments).env("BATON_SERVERS", &servers).output().expect("baton runs");
        assert_eq!((code(&said), &error(&said)["code"]), (5, &"no_quorum".into()), "{arguments:?}");
    }
}

#[test]
fn there_is_no_colour_in_a_pipe() {
    let sound = plan(SOUND);
    let said = run(&["plan", "check", sound.path().to_str().expect("UTF-8")]);
    assert_eq!(code(&said), 0);
    assert!(!said.stdout.contains(&0x1b), "{said:?}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child =
        baton(&["plan", "schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("baton runs");
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().expect("stderr").read_to_string(&mut said).expect("its words");
    assert_eq!((child.wait().expect("its end").code(), said.as_str()), (Some(0), ""));
}
