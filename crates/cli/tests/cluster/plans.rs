//! Plans in plans, modes, drills, step templates and versions.

use serde_json::json;

use crate::support::Cluster;
use crate::support::marks::{attempts, statuses, step, text};
use crate::takeover::REGIONS;

/// Plans three deep, the innermost for two items: `site` → `db` → `hosts`.
fn children(cluster: &Cluster) -> String {
    let mark = cluster.mark("seen");
    let (held, undo) = (cluster.held_by("go"), format!("undo: {{idempotent: false, command: '{mark}'}}"));
    cluster.plan(
        "host",
        &format!(
            "  steps:\n{}",
            step("move", &format!("idempotent: false, command: '{mark}; {held}', {undo}"))
        ),
    );
    let drain = step(
        "drain",
        &format!(
            "idempotent: true, command: '{}', inMode: {{ungraceful: {{command: '{mark}', idempotent: true}}}}",
            cluster.held_by("never")
        ),
    );
    cluster.plan(
        "service",
        &format!("  steps:\n{drain}    - {{name: hosts, needs: [drain], plan: host, forEach: [h1, h2]}}\n"),
    );
    let last = step("last", "needs: [db], idempotent: true, command: 'test $BATON_MODE = ungraceful'");
    cluster.plan("site", &format!("  onFailure: undo\n  steps:\n    - {{name: db, plan: service}}\n{last}"))
}

#[test]
fn plans_three_deep_are_escalated_taken_over_and_undone_as_one_run() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let plan = children(&cluster);
    let run = cluster.baton(&["run", "start", &plan, "--mode", "graceful", "-o", "json"]).well().json();
    let run = text(&run, "run").to_owned();
    cluster.until_step(&run, "db/drain", "running");
    cluster.replace_leader();
    cluster.baton(&["run", "escalate", &run, "--reason", "the old side is gone"]).well();
    for host in ["h1", "h2"] {
        cluster.until_mark("seen", &format!("do db/hosts[{host}]/move"));
    }
    cluster.replace_leader();
    assert_eq!(cluster.show(&run)["children"], json!({"host": 1, "service": 1}));
    cluster.let_go("go");
    // The last step runs in the mode that the run was escalated to.
    cluster.baton(&["run", "wait", &run]).well();
    assert_eq!(attempts(&cluster.step(&run, "db/drain")), 2);
    cluster.baton(&["run", "undo", &run]).well();
    cluster.baton(&["run", "wait", &run]).with_code(9);
    let mut seen = cluster.marks("seen");
    seen[1..].sort();
    let moves = |way: &str| ["h1", "h2"].map(|host| format!("{way} db/hosts[{host}]/move"));
    assert_eq!(seen, [vec!["do db/drain".to_owned()], moves("do").into(), moves("undo").into()].concat());
    let events = cluster.baton(&["run", "events", &run]).well().stdout;
    assert!(events.contains("db/hosts[h1]/move") && events.contains("escalated"), "{events}");
}

#[test]
fn modes_drills_and_a_template_from_the_catalogue() {
    let cluster = Cluster::start(&REGIONS, "");
    let target = cluster.path("file").display().to_string();
    let spec = format!(
        "  steps:\n{}{}{}",
        step("drain", "idempotent: true, command: 'true', modes: [graceful]"),
        step(
            "stop",
            "needs: [drain], idempotent: true, command: 'echo $BATON_MODE', inMode: {drill: {noop: {}}}"
        ),
        step(
            "write",
            &format!("needs: [stop], uses: write-file, with: {{path: {target}, text: 'said \"so\"'}}")
        ),
    );
    let plan = cluster.plan("modes", &spec);
    let start = |rest: &[&str]| {
        let said = cluster.baton(&[&["run", "start", &plan, "--wait", "-o", "json"], rest].concat());
        let shown = said.well().json();
        (statuses(&shown)[..2].join(", "), shown["mode"].clone(), shown["drill"].clone(), shown)
    };
    let (steps, mode, _, shown) = start(&["--mode", "graceful"]);
    assert_eq!((&*steps, mode), ("drain succeeded, stop succeeded", json!("graceful")));
    assert_eq!(text(&shown["steps"][1]["attempts"][0], "stdout"), "graceful\n");
    assert_eq!(shown["steps"][2]["outputs"]["bytes"], "9");
    assert_eq!(std::fs::read_to_string(&target).expect("the file"), "said \"so\"");
    let (steps, mode, _, _) = start(&[]);
    assert_eq!((&*steps, mode), ("drain skipped, stop succeeded", json!("ungraceful")));
    let (steps, _, drill, shown) = start(&["--drill"]);
    assert_eq!(
        (&*steps, drill, attempts(&shown["steps"][1])),
        ("drain skipped, stop succeeded", json!(true), 0)
    );
    cluster.baton(&["run", "undo", text(&shown, "run")]).well();
    cluster.baton(&["run", "wait", text(&shown, "run")]).with_code(9);
    assert!(!std::path::Path::new(&target).exists(), "the template's undo was not carried out");
}

#[test]
fn a_run_keeps_its_version_and_a_stale_one_is_refused() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let says = |word: &str| {
        format!(
            "  steps:\n{}",
            step("a", &format!("idempotent: true, command: '{}; echo {word}'", cluster.held_by("go")))
        )
    };
    let plan = cluster.plan("talks", &says("one"));
    let old = cluster.run(&plan);
    cluster.until_step(&old, "a", "running");
    cluster.plan("talks", &says("two"));
    let refused = cluster.baton(&["run", "start", &plan, "--plan-version", "1"]).with_code(7);
    assert!(refused.stderr.contains('2'), "{refused:?}");
    let new = cluster.baton(&["run", "start", &plan, "--plan-version", "2", "-o", "json"]).well().json();
    cluster.replace_leader();
    cluster.let_go("go");
    for (run, version, word) in [(&*old, 1, "one\n"), (text(&new, "run"), 2, "two\n")] {
        let shown = cluster.until_run(run, "succeeded");
        assert_eq!(shown["plan_version"], version);
        assert_eq!(text(&shown["steps"][0]["attempts"][0], "stdout"), word);
    }
    let differs = cluster.baton(&["plan", "diff", "talks@1", "talks@2", "--exit-code"]).with_code(1);
    assert!(differs.stdout.contains("one") && differs.stdout.contains("two"), "{differs:?}");
}
