//! systemd, Terraform, Ansible and Chef.

use std::fs;
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

/// The answers are ansible-core 2.14's.
#[tokio::test(flavor = "multi_thread")]
async fn what_ansible_did_is_counted_and_its_exit_4_is_two_things() {
    let bench = Bench::start().await;
    let stats = "\"stats\": {\n \"a\": {\n \"changed\": 2,\n \"failures\": 0,\n \"ok\": 5,\n \"unreachable\": 0\n },\n \
                 \"b\": {\n \"changed\": 1,\n \"failures\": 0,\n \"ok\": 3,\n \"unreachable\": 1\n } }";
    let well = format!("cat <<'END'\n{{ \"plays\": [], {stats} }}\nEND\nexit 0");
    let unreachable = format!("cat <<'END'\n{{ \"plays\": [], {stats} }}\nEND\nexit 4");
    let unreadable = "echo 'ERROR! We were unable to read either as JSON nor YAML' >&2; exit 4";
    let table = [
        (1, well.as_str(), Outcome::Succeeded, 0, "3"),
        (2, unreachable.as_str(), Outcome::Failed, 4, "3"),
        (3, unreadable, Outcome::Failed, 75, "0"),
    ];
    for (token, answers, outcome, code, changed) in table {
        let with = [("playbook", "/srv/site.yaml"), ("inventory", "hosts")];
        let mut step = step("ansible-playbook", &with).with_stub(&bench, "ansible-playbook", answers);
        let report = step.done(&bench, token).await;
        assert_eq!((report.outcome(), report.exit_code), (outcome, Some(code)), "{report:?}");
        assert_eq!(report.outputs["changed"], changed, "{report:?}");
    }
    assert_eq!(bench.lines("asked")[0], "ansible-playbook -i hosts -e {} -l all /srv/site.yaml");
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
