//! AWS Backup and Azure Site Recovery, played by stubs of their commands that keep a state in files.

use std::fs;

use baton_api::Outcome;

use super::{Part, step};
use crate::bench::Bench;

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
