//! Undo: what was done is taken back in reverse order, whoever dies; and the ways on where it
//! cannot be.

use crate::support::Cluster;
use crate::support::marks::{attempts, place, statuses, step, text};
use crate::takeover::REGIONS;

/// A step that marks its doing and its undoing. Neither may be repeated.
fn reversible(cluster: &Cluster, name: &str, needs: &str) -> String {
    let mark = cluster.mark("witness");
    let undo = format!("undo: {{idempotent: false, command: '{mark}'}}");
    step(name, &format!("needs: [{needs}], idempotent: false, command: '{mark}', {undo}"))
}

/// Root, two branches, and a last step that needs both.
fn diamond(cluster: &Cluster, last: &str) -> String {
    let steps = [("root", ""), ("left", "root"), ("right", "root")];
    let steps: String = steps.iter().map(|(name, needs)| reversible(cluster, name, needs)).collect();
    format!("  steps:\n{steps}{}", step("last", &format!("needs: [left, right], {last}")))
}

/// Everything was done once and undone once, the undo in reverse order and under newer tokens.
fn undone_in_reverse_order(cluster: &Cluster) {
    let (marks, tokens) = (cluster.marks("witness"), cluster.tokens("witness"));
    assert_eq!(marks.len(), 6, "{marks:?}");
    let at = |mark: &str| place(&marks, mark);
    assert!(at("do root") < at("do left").min(at("do right")), "{marks:?}");
    assert!(at("undo root") > at("undo left").max(at("undo right")), "{marks:?}");
    assert!(at("undo left").min(at("undo right")) > at("do left").max(at("do right")), "{marks:?}");
    for name in ["root", "left", "right"] {
        assert!(tokens[at(&format!("do {name}"))] < tokens[at(&format!("undo {name}"))], "{tokens:?}");
    }
}

#[test]
fn a_failure_undoes_everything_in_reverse_order() {
    let cluster = Cluster::start(&REGIONS, "");
    let spec = diamond(&cluster, "idempotent: true, command: 'exit 4'");
    let plan = cluster.plan("all", &format!("  onFailure: undo\n{spec}"));
    let shown = cluster.run_to_end(&plan, 9);
    assert_eq!((text(&shown, "status"), statuses(&shown).join(", ")), ("undone", UNDONE.to_owned()));
    assert!(text(&shown, "reason").contains("last failed: exited with 4"), "{shown}");
    undone_in_reverse_order(&cluster);
    let root = &shown["steps"][0]["attempts"];
    assert_eq!((text(&root[0], "direction"), text(&root[1], "direction")), ("do", "undo"));
}

const UNDONE: &str = "root undone, left undone, right undone, last failed";

#[test]
fn only_the_branch_of_a_failure_is_undone() {
    let cluster = Cluster::start(&REGIONS, "");
    let steps = [("root", ""), ("a", "root"), ("b", "root")];
    let steps: String = steps.iter().map(|(name, needs)| reversible(&cluster, name, needs)).collect();
    let fails = step("a2", "needs: [a], idempotent: true, command: 'exit 1', onFailure: {undo: branch}");
    let after = reversible(&cluster, "b2", "b");
    let plan = cluster.plan("branch", &format!("  steps:\n{steps}{fails}{after}"));
    let shown = cluster.run_to_end(&plan, 8);
    let expected = "root succeeded, a undone, b succeeded, a2 failed, b2 succeeded";
    assert_eq!(statuses(&shown).join(", "), expected);
    let marks = cluster.marks("witness");
    assert_eq!(marks.len(), 5, "{marks:?}");
    assert!(place(&marks, "do a") < place(&marks, "undo a"), "{marks:?}");
}

#[test]
fn operators_undo_runs_that_ended_and_runs_under_way() {
    let cluster = Cluster::start(&REGIONS, "");
    let spec = diamond(&cluster, "idempotent: true, command: 'true'");
    let ended = cluster.plan("ended", &spec);
    let shown = cluster.run_to_end(&ended, 0);
    cluster.baton(&["run", "undo", text(&shown, "run"), "--reason", "only an exercise"]).well();
    cluster.baton(&["run", "wait", text(&shown, "run")]).with_code(9);
    let shown = cluster.show(text(&shown, "run"));
    assert!(text(&shown, "reason").contains("undone by test: only an exercise"), "{shown}");
    undone_in_reverse_order(&cluster);
    // And one whose last step is in the middle of its work: it is ended first.
    std::fs::remove_file(cluster.path("witness")).expect("a new page");
    let spec = diamond(&cluster, &format!("idempotent: true, command: '{}'", cluster.held_by("never")));
    let held = cluster.plan("held", &spec);
    let run = cluster.run(&held);
    cluster.until_step(&run, "last", "running");
    cluster.baton(&["run", "cancel", &run, "--undo", "--reason", "not today"]).well();
    cluster.baton(&["run", "wait", &run]).with_code(9);
    let shown = cluster.show(&run);
    assert_eq!(text(&shown, "status"), "undone", "{shown}");
    assert!(text(&shown, "reason").contains("not today"), "{shown}");
    undone_in_reverse_order(&cluster);
}

#[test]
fn an_undo_half_done_when_leaders_die_goes_on_where_it_was() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let mark = cluster.mark("witness");
    let (steps, held) = (reversible(&cluster, "a", ""), cluster.held_by("go"));
    let middle = step(
        "b",
        &format!(
            "needs: [a], idempotent: false, command: '{mark}', undo: {{idempotent: false, command: '{mark}; {held}'}}"
        ),
    );
    let rest = reversible(&cluster, "c", "b");
    let fails = step("d", "needs: [c], idempotent: true, command: 'exit 1'");
    let plan = cluster.plan("half", &format!("  onFailure: undo\n  steps:\n{steps}{middle}{rest}{fails}"));
    let run = cluster.run(&plan);
    cluster.until_mark("witness", "undo b");
    for _ in 0..2 {
        cluster.replace_leader();
        let shown = cluster.show(&run);
        assert_eq!(text(&shown, "status"), "unwinding", "{shown}");
        assert_eq!(statuses(&shown).join(", "), "a succeeded, b undoing, c undone, d failed");
    }
    cluster.let_go("go");
    cluster.baton(&["run", "wait", &run]).with_code(9);
    assert_eq!(cluster.marks("witness"), ["do a", "do b", "do c", "undo c", "undo b", "undo a"]);
    assert!(cluster.tokens("witness").is_sorted(), "{:?}", cluster.witness("witness"));
    let shown = cluster.show(&run);
    assert!(shown["takeovers"].as_u64() >= Some(2), "{shown}");
    assert!(shown["steps"].as_array().expect("steps")[..3].iter().all(|step| attempts(step) == 2), "{shown}");
}

/// A run that is stuck, because the undo of `b` fails until somebody mends it.
fn stuck(cluster: &Cluster, plan: &str) -> String {
    let mended = cluster.path(&format!("{plan}.mended")).display().to_string();
    let first = reversible(cluster, "a", "");
    let second = step(
        "b",
        &format!(
            "needs: [a], idempotent: true, command: 'true', undo: {{idempotent: true, command: 'test -e {mended}'}}"
        ),
    );
    let fails = step("c", "needs: [b], idempotent: true, command: 'exit 1'");
    let plan = cluster.plan(plan, &format!("  onFailure: undo\n  steps:\n{first}{second}{fails}"));
    let shown = cluster.run_to_end(&plan, 6);
    assert_eq!(statuses(&shown).join(", "), "a succeeded, b undo_failed, c failed");
    assert_eq!((text(&shown, "status"), shown["needs_operator"].as_bool()), ("stuck", Some(true)));
    assert!(text(&shown, "reason").contains("undo failed: b"), "{shown}");
    let choices = shown["steps"][1]["doubt"]["choices"].as_array().expect("choices").len();
    assert_eq!(choices, 3, "{shown}");
    text(&shown, "run").to_owned()
}

#[test]
fn each_way_out_of_a_stuck_undo() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let runs = ["retried", "resolved", "skipped"].map(|plan| stuck(&cluster, plan));
    cluster.replace_leader();
    let why = ["--reason", "I looked"];
    // Retried before it was mended, it is stuck again.
    cluster.baton(&["run", "retry", &runs[0], "b"]).well();
    cluster.baton(&["run", "wait", &runs[0]]).with_code(6);
    cluster.let_go("retried.mended");
    cluster.baton(&["run", "retry", &runs[0], "b"]).well();
    cluster.baton(&["run", "resolve", &runs[1], "b", "--as", "succeeded", why[0], why[1]]).well();
    cluster.baton(&["run", "skip", &runs[2], "b"]).with_code(2);
    cluster.baton(&["run", "skip", &runs[2], "b", why[0], why[1]]).well();
    let ends = ["undone", "undone", "undo_failed"];
    for (run, b) in runs.iter().zip(ends) {
        cluster.baton(&["run", "wait", run]).with_code(9);
        assert_eq!(statuses(&cluster.show(run)).join(", "), format!("a undone, b {b}, c failed"));
        cluster.baton(&["run", "retry", run, "b"]).with_code(7);
    }
    assert!(text(&cluster.show(&runs[2]), "reason").contains("not undone: b"));
    let marks = cluster.marks("witness");
    assert_eq!(marks.iter().filter(|mark| *mark == "undo a").count(), 3, "{marks:?}");
}
