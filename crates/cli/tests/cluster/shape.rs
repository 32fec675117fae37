//! Shape: fan-outs, retries, barriers, conditions and gates.

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
