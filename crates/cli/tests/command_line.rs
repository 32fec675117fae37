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
    assert_eq!((&found["problems"][0]["file"], &found["problems"][0]["line"]), (&path.into(), &4.into()));
    let told: Value = serde_json::from_slice(&said.stderr).expect("JSON on stderr as well");
    assert_eq!(told["error"]["code"], "invalid_plan");
}

#[test]
fn findings_end_with_3_only_where_they_are_asked_for() {
    let sound = plan(SOUND);
    let path = sound.path().to_str().expect("UTF-8");
    let said = run(&["plan", "check", path]);
    assert_eq!(code(&said), 0, "{said:?}");
    assert!(String::from_utf8_lossy(&said.stderr).contains("see them with --strict"), "{said:?}");
    let said = run(&["plan", "check", "--strict", path]);
    assert_eq!(code(&said), 3, "{said:?}");
    let said = run(&["plan", "check", "--strict", path, "-o", "json"]);
    let found: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    let finding = &found["findings"][0];
    for field in ["code", "line", "message", "help", "file"] {
        assert!(!finding[field].is_null(), "`{field}` is missing in {finding}");
    }
    let told: Value = serde_json::from_slice(&said.stderr).expect("JSON on stderr as well");
    assert_eq!((code(&said), &told["error"]["exit_code"]), (3, &3.into()));
}

#[test]
fn a_step_template_beside_the_plan_is_found() {
    let template = plan(
        "apiVersion: baton/v1\nkind: StepTemplate\nmetadata: {name: greet}\nspec:\n  params: {whom: {type: string}}\n  \
         idempotent: true\n  command: [echo, '${params.whom}']\n",
    );
    let user = plan(
        "apiVersion: baton/v1\nkind: Plan\nmetadata: {name: p}\nspec:\n  steps:\n    - {name: a, region: west, uses: \
         greet, with: {whom: ada}}\n",
    );
    let (template, user) = (template.path().to_str().expect("UTF-8"), user.path().to_str().expect("UTF-8"));
    let alone = run(&["plan", "check", user]);
    assert_eq!(code(&alone), 3, "{alone:?}");
    assert!(String::from_utf8_lossy(&alone.stderr).contains("is found with --servers"), "{alone:?}");
    let together = run(&["plan", "check", user, template, "-o", "json"]);
    let found: Value = serde_json::from_slice(&together.stdout).expect("JSON");
    assert_eq!((code(&together), &found["files"][1]["kind"]), (0, &"StepTemplate".into()), "{together:?}");
    let said = run(&["run", "start", template, "--servers", &nobody(), "-o", "json"]);
    assert_eq!(code(&said), 2, "a template is no plan: {said:?}");
}

#[test]
fn two_files_are_compared_without_a_cluster() {
    let (old, new) = (plan(SOUND), plan(&SOUND.replace("noop: {}", "noop: {}, description: more")));
    let (old, new) = (old.path().to_str().expect("UTF-8"), new.path().to_str().expect("UTF-8"));
    let said = run(&["plan", "diff", old, new, "-o", "json"]);
    let diff: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    assert_eq!((code(&said), diff["changes"].as_array().map(Vec::len)), (0, Some(1)), "{diff}");
    assert_eq!(code(&run(&["plan", "diff", "--exit-code", old, new])), 1);
    assert_eq!(code(&run(&["plan", "diff", "--exit-code", old, old])), 0);
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
        &["run", "approve", "p-1", "a", "--role", "sre"],
        &["region", "declare-lost", "east"],
        &["lock", "list"],
        &["resource", "set", "io", "3"],
        &["plan", "templates"],
        &["cluster", "status"],
        &["cluster", "promote", "4"],
        &["cluster", "remove", "4"],
        &["cluster", "transfer-leader"],
        &["cluster", "backup", "never-written"],
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
