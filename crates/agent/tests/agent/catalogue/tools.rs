//! systemd, Terraform, Ansible and Chef.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use baton_api::Outcome;

use super::{Part, step};
use crate::bench::Bench;
use crate::targets::server::program;

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_is_restarted_and_asked_after() {
    let bench = Bench::start().await;
    let answers = "case $1 in restart) [ \"$3\" = good.service ] ;; is-active) [ \"$4\" = good.service ] || exit 3 ;; esac";
    for (token, unit, outcome) in
        [(1, "good.service", Outcome::Succeeded), (3, "bad.service", Outcome::Failed)]
    {
        let mut step = step("systemd-restart", &[("unit", unit)]).with_stub(&bench, "systemctl", answers);
        assert_eq!(step.done(&bench, token).await.outcome(), outcome);
        assert_eq!(step.carry_out(&bench, token + 1, Part::Probe).await.outcome(), outcome);
    }
    assert_eq!(bench.lines("asked")[0], "systemctl restart -- good.service");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_terraform_plan_is_applied_once() {
    let bench = Bench::start().await;
    let Some(terraform) = program("terraform", &["/usr/local/bin/terraform", "/usr/bin/terraform"]) else {
        return;
    };
    let dir = bench.path("infrastructure");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("main.tf"), "resource \"terraform_data\" \"a\" {\n  input = \"west\"\n}\n").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&terraform);
        let ran = command.arg(format!("-chdir={}", dir.display())).args(arguments).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    run(&["init", "-input=false"]);
    run(&["plan", "-input=false", "-out=saved"]);
    let dir = dir.display().to_string();
    let mut apply = step("terraform-apply", &[("dir", &dir), ("plan", "saved")]);
    // Relative to the directory for terraform, and to nowhere for the check before it: the whole name serves both.
    let saved = format!("{dir}/saved");
    apply.values.insert("plan".into(), saved);
    let before = apply.carry_out(&bench, 1, Part::Probe).await;
    assert_eq!(before.outcome(), Outcome::Unknown, "something is left to do: {before:?}");
    let done = apply.done(&bench, 2).await;
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert_eq!(apply.carry_out(&bench, 3, Part::Probe).await.outcome(), Outcome::Succeeded);
    let again = apply.done(&bench, 4).await;
    assert_eq!(again.outcome(), Outcome::Failed, "{again:?}");
    assert!(again.stderr.contains("stale"), "{again:?}");
    apply.values.insert("plan".into(), "/nonexistent".into());
    let nothing = apply.done(&bench, 5).await;
    assert_eq!((nothing.outcome(), nothing.exit_code), (Outcome::Failed, Some(75)));
}

/// Writes what Ansible is to play with: hosts `near` and `far`, of which the second cannot be reached.
fn ansible_files(bench: &Bench) {
    let write = |name: &str, text: &str| fs::write(bench.path(name), text).unwrap();
    write("ssh", "#!/bin/sh\nexit 255\n");
    fs::set_permissions(bench.path("ssh"), fs::Permissions::from_mode(0o755)).unwrap();
    let (folder, ssh) = (bench.path(""), bench.path("ssh"));
    let (folder, ssh) = (folder.display(), ssh.display());
    write("near", "near ansible_connection=local\n");
    write(
        "both",
        &format!("near ansible_connection=local\nfar ansible_connection=ssh ansible_ssh_executable={ssh}\n"),
    );
    let play = |tasks: &str| {
        format!(
            "- hosts: all\n  gather_facts: false\n  tasks:\n\
             \x20   - ansible.builtin.copy: {{content: moved, dest: \"{folder}/moved\"}}\n{tasks}"
        )
    };
    write("good.yaml", &play(""));
    write("fails.yaml", &play("    - ansible.builtin.fail: {msg: no}\n"));
    write("broken.yaml", "foo: [\n");
    write("in-the-middle.yaml", &play("    - ansible.builtin.include_tasks: broken.yaml\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ansible_did_is_counted_and_its_exit_4_is_several_things() {
    let bench = Bench::start().await;
    if program("ansible", &["/usr/bin/ansible-playbook"]).is_none() {
        return;
    }
    ansible_files(&bench);
    let nothing = "cannot be read\n";
    // The playbook, the inventory; the exit code, what was counted as changed and as not reached, the end of what is said.
    let table = [
        ("good.yaml", "near", 0, Some(["1", "0"]), ""),
        ("good.yaml", "near", 0, Some(["0", "0"]), ""),
        ("good.yaml", "both", 4, Some(["0", "1"]), ""),
        ("fails.yaml", "near", 2, Some(["0", "0"]), ""),
        ("broken.yaml", "near", 75, None, nothing),
        ("missing.yaml", "near", 75, None, nothing),
        ("good.yaml", "missing", 75, None, "no host was found\n"),
        ("in-the-middle.yaml", "near", 4, None, ""),
    ];
    for (token, (playbook, inventory, code, counted, said)) in (1..).zip(table) {
        let [playbook, inventory] = [playbook, inventory].map(|name| bench.path(name).display().to_string());
        let mut step =
            step("ansible-playbook", &[("playbook", playbook.as_str()), ("inventory", inventory.as_str())]);
        step.environment.insert("HOME".into(), bench.path("home").display().to_string());
        step.environment.insert("PATH".into(), std::env::var("PATH").unwrap());
        let report = step.done(&bench, token).await;
        assert_eq!(report.exit_code, Some(code), "{playbook}: {report:?}");
        let output = |key: &str| report.outputs.get(key).map(String::as_str);
        assert_eq!(
            [output("changed"), output("unreachable")],
            counted.map_or([None; 2], |counted| counted.map(Some)),
            "{playbook}: {report:?}"
        );
        assert!(report.stderr.ends_with(said), "{playbook}: {report:?}");
    }
    assert_eq!(bench.lines("moved"), ["moved"]);
}

/// The answer is Chef Infra Client 18's.
#[tokio::test(flavor = "multi_thread")]
async fn what_chef_changed_is_counted() {
    let bench = Bench::start().await;
    let answers = "echo 'Infra Phase complete, 3/17 resources updated in 04 seconds'; exit ${CHEF:-0}";
    let with = [("run-list", "recipe[shop::standby]")];
    let mut step = step("chef-converge", &with).with_stub(&bench, "chef-client", answers);
    let report = step.done(&bench, 1).await;
    assert_eq!(
        (report.outcome(), report.outputs["updated"].as_str()),
        (Outcome::Succeeded, "3"),
        "{report:?}"
    );
    step.environment.insert("CHEF".into(), "37".into());
    assert_eq!(step.done(&bench, 2).await.exit_code, Some(37));
}

/// The answers are RMAN's of Oracle 19.
#[tokio::test(flavor = "multi_thread")]
async fn rman_is_judged_by_its_text() {
    let bench = Bench::start().await;
    let answers = "cat > $D/script; cat $D/said; exit $(cat $D/code)";
    let failed = "RMAN-00571: ====\nRMAN-03002: failure of restore command\nRMAN-06026: some targets not found - aborting restore\n";
    for (token, said, code, outcome) in [
        (1, "Finished recover at 21-NOV-26\n", "0", Outcome::Succeeded),
        (2, failed, "1", Outcome::Failed),
        (3, failed, "0", Outcome::Failed),
    ] {
        fs::write(bench.path("said"), said).unwrap();
        fs::write(bench.path("code"), code).unwrap();
        let mut step = step("rman-restore", &[("until", "SCN 42")]).with_stub(&bench, "rman", answers);
        let report = step.done(&bench, token).await;
        assert_eq!(report.outcome(), outcome, "{report:?}");
        assert!(outcome == Outcome::Succeeded || report.stderr.starts_with("RMAN-06026"), "{report:?}");
    }
    let script = ["RUN {", "  SET UNTIL SCN 42;", "  RESTORE DATABASE;", "  RECOVER DATABASE;", "}"];
    assert_eq!(bench.lines("script"), script);
}
