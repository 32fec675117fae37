//! All is lost, or a majority is: a new cluster begins, and what must not happen twice does not.

use serde_json::Value;

use crate::membership::take_in;
use crate::support::Cluster;
use crate::takeover::{REGIONS, SHORT_LEASES};

/// A step that must not be repeated: it leaves a line, and ends when it may.
fn step(cluster: &Cluster, name: &str, needs: &str, region: &str) -> String {
    let (witness, gate) = (cluster.path(name).display().to_string(), cluster.path(&format!("go-{name}")));
    format!(
        "    - {{name: {name}, needs: [{needs}], region: {region}, idempotent: false, command: 'echo \"$BATON_RUN $BATON_TOKEN\" >> \
         {witness}; until [ -e {} ]; do sleep 0.05; done'}}\n",
        gate.display()
    )
}

fn let_go(cluster: &Cluster, name: &str) {
    std::fs::write(cluster.path(&format!("go-{name}")), "").expect("a file");
}

fn each_once(cluster: &Cluster, run: &str, names: &[&str]) {
    let run = format!("{run} ");
    for name in names {
        let lines = cluster.witness(name);
        let of_run = lines.iter().filter(|line| line.starts_with(&run)).count();
        assert_eq!(of_run, 1, "{name} was done more than once: {lines:?}");
    }
}

#[test]
fn what_was_done_after_the_backup_is_not_done_again() {
    let mut cluster = Cluster::start(&REGIONS, SHORT_LEASES);
    let steps =
        [("held", "", "east"), ("told", "", "west"), ("after", "told", "north"), ("last", "after", "west")];
    let spec: String =
        steps.iter().map(|(name, needs, region)| step(&cluster, name, needs, region)).collect();
    let plan = cluster.plan("chain", &format!("  steps:\n{spec}"));
    let run = cluster.run(&plan);
    cluster.until_acting("held");
    cluster.until_acting("told");
    let backup = cluster.path("backup").display().to_string();
    let written = cluster.baton(&["cluster", "backup", &backup, "-o", "json"]).well().json();
    assert!(written["revision"].as_u64().is_some_and(|at| at > 0) && written["active"] == 1, "{written}");

    // All of this is lost: one step ends, the next is done, the last is under way; and another run has begun.
    let_go(&cluster, "told");
    cluster.until_acting("after");
    let_go(&cluster, "after");
    cluster.until_acting("last");
    let lost = cluster.run(&plan);
    for id in 1..=3 {
        cluster.kill_server(id);
    }

    let (folder, address) = (cluster.path("restored"), cluster.address(1).to_owned());
    let folder_text = folder.display().to_string();
    let target =
        ["--data-dir", &folder_text, "--id", "1", "--region", "east", "--address", &address, "-o", "json"];
    let made = cluster.baton(&[&["cluster", "restore", &backup][..], &target].concat()).well().json();
    assert_eq!((&made["member"], &made["active"]), (&1.into(), &1.into()), "{made}");
    let again = cluster.baton(&[&["cluster", "restore", &backup][..], &target].concat()).with_code(7);
    assert!(again.stderr.contains("is not empty"), "{again:?}");
    cluster.start_server_alone(1, &folder);
    cluster.until_ready();

    // How `told` and `after` ended, only the lost cluster knew: a person looks. The rest, the agents tell.
    let resolve = |name: &str| {
        cluster.until_step(&run, name, "in_doubt");
        cluster
            .baton(&["run", "resolve", &run, name, "--as", "succeeded", "--reason", "its line is there"])
            .well();
    };
    resolve("told");
    resolve("after");
    cluster.until_step(&run, "last", "running");
    let_go(&cluster, "last");
    let_go(&cluster, "held");
    cluster.until_run(&run, "succeeded");
    each_once(&cluster, &run, &["held", "told", "after", "last"]);
    let events = cluster.baton(&["run", "events", &run]).well().stdout;
    assert!(events.contains("restored from a backup") && events.contains("ALARM"), "{events}");

    // Names and tokens of the lost time are not given out again.
    let next = cluster.run(&plan);
    assert_ne!(next, lost);
    cluster.until_run(&next, "succeeded");
    let tokens: Vec<u64> = cluster
        .witness("held")
        .iter()
        .map(|line| line.rsplit(' ').next().and_then(|token| token.parse().ok()).expect("a token"))
        .collect();
    assert!(tokens.is_sorted(), "{tokens:?}");

    // The others come back as new members.
    cluster.join_server(4, "west", 1);
    take_in(&cluster, 4, "west");
    assert!(tokens.len() > 1);
}

#[test]
fn a_new_cluster_is_forced_from_what_a_minority_has() {
    let mut cluster = Cluster::start(&REGIONS, SHORT_LEASES);
    let steps =
        [("here", "", "east"), ("there", "", "west"), ("gone", "", "north"), ("next", "here", "east")];
    let spec: String =
        steps.iter().map(|(name, needs, region)| step(&cluster, name, needs, region)).collect();
    let plan = cluster.plan("chain", &format!("  steps:\n{spec}"));
    let run = cluster.run(&plan);
    let other = cluster.plan("other", "  steps: [{name: a, noop: {}}]\n");
    ["here", "there", "gone"].iter().for_each(|name| cluster.until_acting(name));

    // Two coordinators and an agent are gone for good. What the third has is not written to any more.
    cluster.kill_server(2);
    cluster.kill_server(3);
    cluster.lose_host("north-1");
    // Whether this one is in the log of the survivor, nobody knows, and so it may come to be.
    cluster.baton(&["run", "start", &other, "--timeout", "3s"]).with_code(5);
    let_go(&cluster, "there");

    let (old, new, address) = (cluster.data_dir("1"), cluster.path("forced"), cluster.address(1).to_owned());
    let [old, new_text] = [&old, &new].map(|folder| folder.display().to_string());
    let force = [
        "cluster",
        "restore",
        "--from-data-dir",
        &old,
        "--data-dir",
        &new_text,
        "--id",
        "1",
        "--region",
        "east",
        "--address",
        &address,
        "-o",
        "json",
    ];
    let running = cluster.baton(&force).with_code(7);
    assert!(running.stderr.contains("in use"), "{running:?}");
    cluster.stop_server(1);
    // While another can be reached, it is not gone.
    cluster.start_server(2);
    cluster.until("the other to be found", || {
        let said = cluster.baton(&force).with_code(7);
        said.stderr.contains("can still be reached")
    });
    cluster.kill_server(2);
    let made = cluster.baton(&force).well().json();
    assert!(made["epoch"].as_u64().is_some_and(|epoch| epoch > 0), "{made}");
    cluster.start_server_alone(1, &new);
    cluster.leader();

    cluster.until_step(&run, "there", "succeeded");
    cluster.until_step(&run, "here", "running");
    cluster.until_step(&run, "gone", "in_doubt");
    // What may have been done by the one that is gone waits for a person's word; the rest is not held up by it then.
    let_go(&cluster, "here");
    cluster.until_step(&run, "here", "succeeded");
    cluster.until("it to say whom it waits for", || {
        let waits = cluster.step(&run, "next");
        waits["status"] == "waiting"
            && waits["reason"].as_str().is_some_and(|reason| reason.contains("north-1"))
    });
    cluster.baton(&["region", "declare-lost", "north", "--reason", "it burned"]).well();
    cluster.until_acting("next");
    let_go(&cluster, "next");
    cluster.until_step(&run, "next", "succeeded");
    let shown: Value = cluster.show(&run);
    assert_ne!(shown["status"], "succeeded", "{shown}");
    cluster.baton(&["run", "resolve", &run, "gone", "--as", "succeeded", "--reason", "seen"]).well();
    cluster.until_run(&run, "succeeded");
    each_once(&cluster, &run, &["here", "there", "gone", "next"]);
}
