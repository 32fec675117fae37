//! Shape: fan-outs, barriers, plans in plans, modes, templates and versions.

use serde_json::json;

use crate::support::Cluster;
use crate::support::marks::{attempts, statuses, step, text};
use crate::takeover::REGIONS;

/// A fan-out of four items, two at a time, each held by a file of its own; one fails until mended.
fn fan_out(cluster: &Cluster) -> String {
    let folder = cluster.path("").display().to_string();
    let item = format!(
        r#"echo $BATON_ITEM >> {folder}/begun; while ! test -e {folder}/go-$BATON_ITEM; do sleep 0.05; done; echo "size=1$BATON_ITEM" >> "$BATON_OUTPUT"; test $BATON_ITEM != 3 || test -e {folder}/mended"#
    );
    let items = "forEach: {items: \"${params.shards}\", parallel: 2}";
    let told = r#"echo "$BATON_OUTPUT_EACH_SIZE""#;
    format!(
        "  params: {{shards: {{type: list, default: [1, 2, 3, 4]}}}}\n  onFailure: pause\n  steps:\n{}{}",
        step("each", &format!("idempotent: false, {items}, command: '{item}'")),
        step("after", &format!("needs: [each], idempotent: true, command: '{told}'"))
    )
}

#[test]
fn a_fan_out_half_through_goes_on_after_a_takeover_and_repeats_the_failed_items_only() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("fan", &fan_out(&cluster));
    let run = cluster.run(&plan);
    cluster.let_go("go-1");
    cluster.until("three to have begun", || cluster.witness("begun").len() == 3);
    let shown = cluster.show(&run);
    let expected =
        "each running, after waiting, each[1] succeeded, each[2] running, each[3] running, each[4] waiting";
    assert_eq!(statuses(&shown).join(", "), expected);
    cluster.replace_leader();
    assert_eq!(statuses(&cluster.show(&run)).join(", "), expected);
    assert_eq!(cluster.witness("begun").len(), 3, "no more than two at once");
    ["go-2", "go-3", "go-4"].iter().for_each(|file| cluster.let_go(file));
    cluster.baton(&["run", "wait", &run]).with_code(6);
    assert_eq!(cluster.step(&run, "each[3]")["status"], "failed");
    cluster.let_go("mended");
    cluster.baton(&["run", "retry", &run, "each"]).well();
    cluster.baton(&["run", "wait", &run]).well();
    let shown = cluster.show(&run);
    let counts: Vec<_> = shown["steps"].as_array().expect("steps")[2..].iter().map(attempts).collect();
    assert_eq!(counts, [1, 1, 2, 1]);
    assert_eq!(text(&shown["steps"][1]["attempts"][0], "stdout"), "[\"11\",\"12\",\"13\",\"14\"]\n");
    let mut begun = cluster.witness("begun");
    begun.sort();
    assert_eq!(begun, ["1", "2", "3", "3", "4"]);
}

#[test]
fn a_retry_in_its_pause_survives_the_leader_and_keeps_its_count() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let retry = "retry: {attempts: 3, backoff: 2s, jitter: 0}";
    let flaky =
        step("a", &format!("idempotent: true, {retry}, command: '{}; exit 1'", cluster.mark("tried")));
    let plan = cluster.plan("flaky", &format!("  steps:\n{flaky}"));
    let run = cluster.run(&plan);
    for attempt in 1..=2 {
        cluster.until("its pause", || {
            let step = cluster.step(&run, "a");
            attempts(&step) == attempt && step["not_before_ms_left"].is_u64()
        });
        cluster.replace_leader();
    }
    cluster.baton(&["run", "wait", &run]).with_code(8);
    assert_eq!((cluster.witness("tried").len(), attempts(&cluster.step(&run, "a"))), (3, 3));
    assert!(cluster.tokens("tried").is_sorted());
}

#[test]
fn barriers_conditions_gates_and_what_success_means() {
    let cluster = Cluster::start(&REGIONS, "");
    let spec = [
        "  params: {lag: {type: integer, default: '12'}}\n  steps:\n",
        &step("one", "idempotent: true, command: 'true'"),
        &step("two", "idempotent: true, command: 'true'"),
        &step("three", &format!("idempotent: true, command: '{}'", cluster.held_by("go"))),
        "    - {name: most, needs: [one, two, three], barrier: {atLeast: 2}}\n",
        &step(
            "early",
            &format!("needs: [most], idempotent: true, command: 'touch {}'", cluster.path("go").display()),
        ),
        &step("never", "when: params.lag > 30, idempotent: true, command: 'exit 1'"),
        "    - {name: gate, needs: ['never'], gate: params.lag <= 30}\n",
        &step(
            "lies",
            "idempotent: true, command: 'echo timed out; exit 0', success: '!stdout.contains(\"timed out\")', optional: true",
        ),
        &step("true-lie", "idempotent: true, command: 'exit 3', success: 'exit_code == 3'"),
    ];
    let plan = cluster.plan("shapes", &spec.concat());
    let shown = cluster.run_to_end(&plan, 0);
    let expected = "one succeeded, two succeeded, three succeeded, most succeeded, early succeeded, never skipped, \
                    gate succeeded, lies failed, true-lie succeeded";
    assert_eq!(
        statuses(&shown).join(", "),
        expected,
        "the third waits for what only comes after the barrier"
    );
    assert!(text(&shown["steps"][3], "reason").contains("2 are enough"), "{shown}");
}

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
