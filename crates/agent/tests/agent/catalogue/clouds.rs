//! Kubernetes, AWS Backup and Azure Site Recovery, played by stubs of their commands that keep a state in files.

use std::fs;

use baton_api::Outcome;

use super::{Part, step};
use crate::bench::Bench;

/// A deployment whose replicas are ready as soon as they are wanted.
const KUBECTL: &str = r#"replicas=$(cat "$D/replicas"); shift 2
case "$*" in
  "get "*go-template*) cat "$D/note" 2>/dev/null || true ;;
  "get "*"{.spec.replicas} {.status.readyReplicas}"*) echo "$replicas $replicas" ;;
  "get "*"{.spec.replicas}"*) echo "$replicas" ;;
  annotate*) echo "$*" | sed 's/.*=//' > "$D/note" ;;
  scale*) echo "$*" | sed 's/.*=//' > "$D/replicas" ;;
  "rollout status"*) ;;
  *) exit 9 ;;
esac"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_is_scaled_and_scaled_back_to_what_it_was() {
    let bench = Bench::start().await;
    fs::write(bench.path("replicas"), "2\n").unwrap();
    let with = [("context", "west"), ("workload", "deployment/shop"), ("replicas", "5")];
    let mut scale = step("kubernetes-scale", &with).with_stub(&bench, "kubectl", KUBECTL);
    assert_eq!(scale.carry_out(&bench, 1, Part::Probe).await.outcome(), Outcome::Failed);
    // The second attempt must not take the first one's number for the one before.
    for token in [2, 3] {
        let report = scale.done(&bench, token).await;
        assert_eq!(
            (report.outcome(), report.outputs["before"].as_str()),
            (Outcome::Succeeded, "2"),
            "{report:?}"
        );
    }
    assert_eq!(bench.lines("replicas"), ["5"]);
    assert_eq!(scale.carry_out(&bench, 4, Part::Probe).await.outcome(), Outcome::Succeeded);
    assert_eq!(scale.carry_out(&bench, 5, Part::Undo).await.outcome(), Outcome::Succeeded);
    assert_eq!(bench.lines("replicas"), ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kubernetes_says_is_waited_for() {
    let bench = Bench::start().await;
    // Each question is answered with the next line of the file, the last one again and again.
    let answers = r#"head -n 1 "$D/answers"; [ "$(wc -l < "$D/answers")" = 1 ] || sed -i 1d "$D/answers""#;
    let table = [
        (1, "kubernetes-pvc-bound", "Pending\nBound\n"),
        (2, "kubernetes-statefulset-ready", "3 1 4 4 r1 r2\n3 3 4 3 r1 r1\n3  4 4 r1 r1\n3 3 4 4 r2 r2\n"),
    ];
    for (token, name, said) in table {
        fs::write(bench.path("answers"), said).unwrap();
        let _ = fs::remove_file(bench.path("asked"));
        let with = [("context", "west"), ("name", "orders")];
        let mut step = step(name, &with).with_stub(&bench, "kubectl", answers);
        let report = step.done(&bench, token).await;
        assert_eq!(report.outcome(), Outcome::Succeeded, "{report:?}");
        assert_eq!(bench.lines("asked").len(), said.lines().count(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_are_applied_and_compared() {
    let bench = Bench::start().await;
    let answers = r#"shift 2; case $1 in apply) touch "$D/applied" ;; diff) [ -e "$D/applied" ] ;; rollout) ;; *) exit 9 ;; esac"#;
    let with = [("context", "west"), ("manifests", "/srv/shop.yaml"), ("workload", "deployment/shop")];
    let mut apply = step("kubernetes-apply", &with).with_stub(&bench, "kubectl", answers);
    assert_eq!(apply.carry_out(&bench, 1, Part::Probe).await.outcome(), Outcome::Failed);
    assert_eq!(apply.done(&bench, 2).await.outcome(), Outcome::Succeeded);
    assert_eq!(apply.carry_out(&bench, 3, Part::Probe).await.outcome(), Outcome::Succeeded);
    assert!(bench.lines("asked")[2].contains("rollout status deployment/shop"));
}

/// AWS answers a token that it knows with the job that it has for it.
const AWS: &str = r#"token=$(echo "$*" | sed -n 's/.*--idempotency-token \([^ ]*\).*/\1/p')
case "$*" in
  *start-restore-job*) [ -e "$D/job-$token" ] || { echo new >> "$D/jobs"; touch "$D/job-$token"; }; echo "job-of-$token" ;;
  *"--query Status "*) echo asked >> "$D/polls"; cat "$D/status" 2>/dev/null || echo RUNNING ;;
  *StatusMessage*) echo "the key is gone" ;;
  *CreatedResourceArn*) echo "arn:aws:rds:west:1:db:orders" ;;
esac"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_of_aws_is_started_once_and_found_again_by_another_agent() {
    let mut bench = Bench::start().await;
    let with = [
        ("region", "eu-west-1"),
        ("recovery-point", "arn:aws:backup:x"),
        ("role", "arn:aws:iam::1:role/r"),
        ("metadata", "{}"),
        ("poll", "0"),
    ];
    let mut restore = step("aws-backup-restore", &with).with_stub(&bench, "aws", AWS);
    {
        // The agent and its supervisor die while the job runs.
        let attempt = restore.carry_out(&bench, 1, Part::Do);
        let killed = async {
            bench.until_exists("polls").await;
            crate::bench::marked_supervisors(&bench.data_dir()).into_iter().for_each(crate::bench::kill);
        };
        let (report, ()) = tokio::join!(attempt, killed);
        assert_eq!(report.outcome(), Outcome::Unknown, "{report:?}");
    }
    bench.kill_agent();
    bench.come_back().await;
    fs::write(bench.path("status"), "COMPLETED\n").unwrap();
    let again = restore.done(&bench, 2).await;
    assert_eq!(again.outcome(), Outcome::Succeeded, "{again:?}");
    assert_eq!(again.outputs["job"], "job-of-run-1:step");
    assert_eq!(again.outputs["resource"], "arn:aws:rds:west:1:db:orders");
    assert_eq!(bench.lines("jobs"), ["new"], "there was one job");
    fs::write(bench.path("status"), "FAILED\n").unwrap();
    let failed = restore.done(&bench, 3).await;
    assert_eq!((failed.outcome(), failed.stderr.as_str()), (Outcome::Failed, "the key is gone\n"));
}

const AZ: &str = r#"case "$*" in
  *"method post"*) echo failover >> "$D/failovers"; echo j1 > "$D/job" ;;
  *currentScenario.jobId*) cat "$D/job" 2>/dev/null || echo None ;;
  *activeLocation*) echo asked >> "$D/polls"; cat "$D/location" ;;
  *protectionState*) echo UnplannedFailoverCommitPending ;;
esac"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_of_azure_is_asked_for_once() {
    let mut bench = Bench::start().await;
    fs::write(bench.path("location"), "Primary\n").unwrap();
    let item = "/subscriptions/1/replicationProtectedItems/shop";
    let with = [("item", item), ("poll", "0")];
    let mut failover = step("azure-site-recovery-failover", &with).with_stub(&bench, "az", AZ);
    assert_eq!(failover.carry_out(&bench, 1, Part::Probe).await.outcome(), Outcome::Failed);
    {
        let attempt = failover.carry_out(&bench, 2, Part::Do);
        let killed = async {
            bench.until_exists("failovers").await;
            crate::bench::marked_supervisors(&bench.data_dir()).into_iter().for_each(crate::bench::kill);
        };
        let (report, ()) = tokio::join!(attempt, killed);
        assert_eq!(report.outcome(), Outcome::Unknown, "{report:?}");
    }
    bench.kill_agent();
    bench.come_back().await;
    fs::write(bench.path("location"), "Recovery\n").unwrap();
    assert_eq!(failover.carry_out(&bench, 3, Part::Probe).await.outcome(), Outcome::Succeeded);
    let again = failover.done(&bench, 4).await;
    assert_eq!(again.outcome(), Outcome::Succeeded, "{again:?}");
    assert_eq!(again.outputs["state"], "UnplannedFailoverCommitPending");
    assert_eq!(bench.lines("failovers"), ["failover"]);
}
