//! Kubernetes: the real `kubectl` against an API in memory.

use std::fs;

use baton_api::{Outcome, Report};
use serde_json::{Value, json};

use super::{Part, Step, step};
use crate::bench::{Bench, eventually};
use crate::targets::kubernetes::Cluster;

fn of_cluster(bench: &Bench, cluster: &Cluster, name: &str, with: &[(&str, &str)]) -> Step {
    let mut step = step(name, &[&[("context", "west")][..], with].concat());
    step.environment.insert("KUBECONFIG".into(), cluster.config.display().to_string());
    // It keeps what it has learned of the API there.
    step.environment.insert("HOME".into(), bench.path("home").display().to_string());
    step.environment.insert("PATH".into(), std::env::var("PATH").unwrap());
    step
}

fn workload(kind: &str, name: &str, replicas: u64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": name, "image": "shop:1"}]},
            },
        },
    })
}

#[track_caller]
fn succeeded(report: &Report) {
    assert_eq!(report.outcome(), Outcome::Succeeded, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_is_scaled_and_scaled_back_to_what_it_was() {
    let bench = Bench::start().await;
    let Some(cluster) = Cluster::start(&bench) else { return };
    let mut token = 0;
    for (resource, kind, name) in [
        ("deployments", "Deployment", "deployment/shop"),
        ("statefulsets", "StatefulSet", "statefulset/shop"),
    ] {
        cluster.add(resource, workload(kind, "shop", 2));
        let with = [("workload", name), ("replicas", "5")];
        let mut scale = of_cluster(&bench, &cluster, "kubernetes-scale", &with);
        let mut next = || {
            token += 1;
            token
        };
        let before = scale.carry_out(&bench, next(), Part::Probe).await;
        assert_eq!(before.outcome(), Outcome::Failed, "{before:?}");
        // The second attempt must not take the first one's number for the one before.
        for _ in 0..2 {
            let report = scale.done(&bench, next()).await;
            succeeded(&report);
            assert_eq!(report.outputs["before"], "2");
            assert_eq!(cluster.get(resource, "shop")["status"]["readyReplicas"], 5, "{name} was waited for");
        }
        succeeded(&scale.carry_out(&bench, next(), Part::Probe).await);
        succeeded(&scale.carry_out(&bench, next(), Part::Undo).await);
        assert_eq!(cluster.get(resource, "shop")["spec"]["replicas"], 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateful_set_comes_up_in_order_and_waits_for_its_volumes() {
    let bench = Bench::start().await;
    let Some(cluster) = Cluster::start(&bench) else { return };
    let mut orders = workload("StatefulSet", "orders", 3);
    orders["spec"]["volumeClaimTemplates"] =
        json!([{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]);
    cluster.add("statefulsets", orders);
    cluster.add_volumes(1);
    let is_ready = of_cluster(&bench, &cluster, "kubernetes-statefulset-ready", &[("name", "orders")]);
    let bound = of_cluster(&bench, &cluster, "kubernetes-pvc-bound", &[("name", "data-orders-1")]);
    let volumes_come = async {
        // The second pod's claim finds no volume, and both steps ask after it in vain.
        eventually("a claim that waits", || {
            (cluster.get("persistentvolumeclaims", "data-orders-1")["status"]["phase"] == "Pending")
                .then_some(())
        })
        .await;
        let asked = cluster.asked();
        eventually("more questions", || (cluster.asked() > asked + 30).then_some(())).await;
        assert_eq!(cluster.ready(), ["orders-0"]);
        cluster.add_volumes(2);
    };
    let (set, claim, ()) = tokio::join!(
        is_ready.carry_out(&bench, 1, Part::Do),
        bound.carry_out(&bench, 2, Part::Do),
        volumes_come
    );
    succeeded(&set);
    succeeded(&claim);
    assert_eq!(cluster.ready(), ["orders-0", "orders-1", "orders-2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_are_applied_and_compared_and_nobody_is_overruled() {
    let bench = Bench::start().await;
    let Some(cluster) = Cluster::start(&bench) else { return };
    let path = bench.path("shop.yaml");
    fs::write(&path, workload("Deployment", "shop", 3).to_string()).unwrap();
    let manifests = path.display().to_string();
    let with = [("manifests", manifests.as_str()), ("workload", "deployment/shop")];
    let mut apply = of_cluster(&bench, &cluster, "kubernetes-apply", &with);
    let before = apply.carry_out(&bench, 1, Part::Probe).await;
    assert_eq!(before.outcome(), Outcome::Failed, "{before:?}");
    assert!(cluster.get("deployments", "shop").is_null(), "a question changes nothing");
    succeeded(&apply.done(&bench, 2).await);
    let applied = cluster.get("deployments", "shop");
    assert_eq!(applied["status"]["availableReplicas"], 3, "it was waited for: {applied}");
    succeeded(&apply.carry_out(&bench, 3, Part::Probe).await);
    succeeded(&apply.done(&bench, 4).await);
    assert_eq!(cluster.get("deployments", "shop"), applied, "applied again it is the same");

    // Somebody scales it; then the number is his.
    let by_hand = [("workload", "deployment/shop"), ("replicas", "6")];
    succeeded(&of_cluster(&bench, &cluster, "kubernetes-scale", &by_hand).done(&bench, 5).await);
    let refused = apply.done(&bench, 6).await;
    assert_eq!((refused.outcome(), refused.exit_code), (Outcome::Failed, Some(1)), "{refused:?}");
    assert!(refused.stderr.contains("conflict with \"kubectl\": .spec.replicas"), "{refused:?}");
    assert_eq!(cluster.get("deployments", "shop")["spec"]["replicas"], 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_does_not_answer_is_no_answer() {
    let bench = Bench::start().await;
    let Some(cluster) = Cluster::start(&bench) else { return };
    let nowhere = format!("http://127.0.0.1:{}", crate::targets::server::free_port());
    let config = fs::read_to_string(&cluster.config).unwrap();
    let mut config: Value = serde_json::from_str(&config).unwrap();
    config["clusters"][0]["cluster"]["server"] = json!(nowhere);
    fs::write(&cluster.config, config.to_string()).unwrap();
    fs::write(bench.path("shop.yaml"), workload("Deployment", "shop", 3).to_string()).unwrap();
    let manifests = bench.path("shop.yaml").display().to_string();
    let table = [
        (1, "kubernetes-scale", vec![("workload", "deployment/shop"), ("replicas", "6")]),
        (3, "kubernetes-apply", vec![("manifests", manifests.as_str())]),
    ];
    for (token, name, with) in table {
        let mut step = of_cluster(&bench, &cluster, name, &with);
        let asked = step.carry_out(&bench, token, Part::Probe).await;
        assert_eq!(asked.outcome(), Outcome::Unknown, "{name}: {asked:?}");
        let done = step.done(&bench, token + 1).await;
        assert_eq!(done.outcome(), Outcome::Failed, "{name}: {done:?}");
    }
}
