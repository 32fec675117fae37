//! People: who may decide, what silence means, and one outcome however many decide at once.

use serde_json::Value;

use crate::support::marks::{statuses, step, text};
use crate::support::{Cluster, Said};
use crate::takeover::REGIONS;

/// A plan that asks first and acts then.
fn asks(cluster: &Cluster, plan: &str, question: &str) -> String {
    let act =
        step("act", &format!("needs: [ask], idempotent: false, command: '{}'", cluster.mark("witness")));
    cluster.plan(plan, &format!("  steps:\n    - {{name: ask, {question}}}\n{act}"))
}

fn approved_by(cluster: &Cluster, run: &str) -> Value {
    cluster.step(run, "ask")["approval"]["approved_by"].clone()
}

#[test]
fn two_people_of_the_right_roles_agree_whoever_leads() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let question = "approval: {message: \"Shift?\", approvers: 2, roles: [sre, lead], twoPerson: true}";
    let plan = asks(&cluster, "shift", question);
    let run = cluster.run(&plan);
    cluster.until_step(&run, "ask", "awaiting_approval");
    cluster.baton(&["run", "wait", &run]).with_code(6);
    let approve = ["run", "approve", &run, "ask"];
    let starter = cluster.baton_as("test", "sre", &approve).with_code(7);
    assert!(starter.stderr.contains("you started the run"), "{starter:?}");
    let stranger = cluster.baton_as("bo", "cook", &approve).with_code(7);
    assert!(stranger.stderr.contains("sre") && stranger.stderr.contains("lead"), "{stranger:?}");
    cluster.baton_as("bo", "sre", &approve).well();
    cluster.baton_as("bo", "sre", &approve).well();
    assert_eq!(approved_by(&cluster, &run), serde_json::json!(["bo"]));
    // What was said stays said: the next leader asks for one more, not for two.
    cluster.replace_leader();
    assert_eq!(approved_by(&cluster, &run), serde_json::json!(["bo"]));
    cluster.baton_as("bo", "lead", &approve).well();
    assert_eq!(cluster.step(&run, "ask")["status"], "awaiting_approval");
    cluster.baton_as("cy", "lead", &[&approve[..], &["--reason", "they know"]].concat()).well();
    cluster.baton(&["run", "wait", &run]).well();
    let late = cluster.baton_as("di", "sre", &["run", "decline", &run, "ask"]).with_code(7);
    assert!(late.stderr.contains("cy"), "the late one is told who decided: {late:?}");
    assert_eq!(cluster.witness("witness").len(), 1);
    let events = cluster.baton(&["run", "events", &run]).well().stdout;
    assert!(events.contains("they know") && events.contains("bo") && events.contains("cy"), "{events}");
}

#[test]
fn silence_means_what_the_plan_says_whoever_leads() {
    let mut cluster = Cluster::start(&REGIONS, "");
    let spec = concat!(
        "  steps:\n",
        "    - {name: 'no', approval: {message: a, timeout: 3s}, optional: true}\n",
        "    - {name: 'yes', approval: {message: b, timeout: 3s, onTimeout: approve}}\n",
        "    - {name: work, manual: {instructions: c, timeout: 3s}, optional: true}\n",
        "    - {name: gate, gate: 1 > 2, timeout: 3s, optional: true}\n",
        "    - {name: after, needs: ['no', 'yes', work, gate], noop: {}}\n",
    );
    let plan = cluster.plan("silence", spec);
    let run = cluster.run(&plan);
    cluster.until_step(&run, "gate", "awaiting_approval");
    cluster.replace_leader();
    cluster.baton(&["run", "wait", &run, "--stay"]).well();
    let shown = cluster.show(&run);
    let expected = "no failed, yes succeeded, work failed, gate failed, after succeeded";
    assert_eq!((statuses(&shown).join(", "), shown["exceptions"].as_u64()), (expected.to_owned(), Some(3)));
    assert!(text(&shown["steps"][1], "reason").contains("nobody decided in time"), "{shown}");
}

#[test]
fn manual_work_is_done_with_evidence_and_a_gate_passes_by_name() {
    let cluster = Cluster::start(&REGIONS, "");
    let work = asks(&cluster, "work", "manual: {instructions: Swap the cable.}");
    let runs = [cluster.run(&work), cluster.run(&work)];
    cluster.baton(&["run", "done", &runs[0], "ask"]).with_code(2);
    cluster.baton(&["run", "override", &runs[0], "ask", "--reason", "x"]).with_code(7);
    cluster.baton(&["run", "done", &runs[0], "ask", "--evidence", "photo 17"]).well();
    cluster.baton(&["run", "wait", &runs[0]]).well();
    assert!(text(&cluster.step(&runs[0], "ask"), "reason").contains("photo 17"));
    cluster.baton(&["run", "decline", &runs[1], "ask", "--reason", "no cable"]).well();
    cluster.baton(&["run", "wait", &runs[1]]).with_code(8);

    let gate = asks(&cluster, "gate", "gate: 1 > 2");
    let runs = [cluster.run(&gate), cluster.run(&gate)];
    let shown = cluster.until_step(&runs[0], "ask", "awaiting_approval");
    assert!(text(&shown, "reason").contains("1 > 2"), "{shown}");
    cluster.baton(&["run", "approve", &runs[0], "ask"]).with_code(7);
    cluster.baton(&["run", "override", &runs[0], "ask"]).with_code(2);
    cluster.baton(&["run", "override", &runs[0], "ask", "--reason", "the business accepts it"]).well();
    cluster.baton(&["run", "wait", &runs[0]]).well();
    assert!(text(&cluster.step(&runs[0], "ask"), "reason").contains("overridden by test"));
    cluster.until_step(&runs[1], "ask", "awaiting_approval");
    cluster.baton(&["run", "decline", &runs[1], "ask"]).well();
    cluster.baton(&["run", "wait", &runs[1]]).with_code(8);
    assert_eq!(cluster.witness("witness").len(), 2);
}

/// Several `baton` processes at once.
fn at_once(cluster: &Cluster, commands: &[(&str, Vec<&str>)]) -> Vec<Said> {
    std::thread::scope(|scope| {
        let asked = commands.iter().map(|(who, command)| scope.spawn(|| cluster.baton_as(who, "", command)));
        let asked: Vec<_> = asked.collect();
        asked.into_iter().map(|one| one.join().expect("an answer")).collect()
    })
}

#[test]
fn u01_of_two_who_decide_at_once_exactly_one_wins_and_the_other_is_told() {
    let cluster = Cluster::start(&REGIONS, "");
    let plan = cluster.plan("ask", "  steps:\n    - {name: ask, approval: {message: \"Shift?\"}}\n");
    for round in 0..8 {
        let run = cluster.run(&plan);
        // Approve against decline, and approve against cancel.
        let against = match round % 2 {
            0 => vec!["run", "decline", &run, "ask"],
            _ => vec!["run", "cancel", &run],
        };
        let said = at_once(&cluster, &[("bo", vec!["run", "approve", &run, "ask"]), ("cy", against)]);
        let codes = [said[0].code, said[1].code];
        assert!(codes == [0, 7] || codes == [7, 0], "{said:?}");
        let (loser, winner) = if codes[0] == 7 { (&said[0], "cy") } else { (&said[1], "bo") };
        cluster.until("the end", || cluster.show(&run)["ended_at"].is_string());
        let status = cluster.show(&run)["status"].clone();
        let expected = match (winner, round % 2) {
            ("bo", _) => "succeeded",
            (_, 0) => "failed",
            _ => "canceled",
        };
        assert_eq!(status, expected, "{said:?}");
        let told = [winner, "has ended already: succeeded"];
        assert!(told.iter().any(|told| loser.stderr.contains(told)), "{loser:?}");
    }
}

#[test]
fn u01_one_word_on_a_failure_counts_and_a_repeated_request_is_the_same_word() {
    let cluster = Cluster::start(&REGIONS, "");
    let fails = step("a", "idempotent: true, command: 'exit 1'");
    let plan = cluster.plan("doubt", &format!("  onFailure: pause\n  steps:\n{fails}"));
    for _ in 0..4 {
        let run = text(&cluster.run_to_end(&plan, 6), "run").to_owned();
        let word = |word| vec!["run", "resolve", &run, "a", "--as", word, "--reason", "I looked"];
        let skip = vec!["run", "skip", &run, "a", "--reason", "no need"];
        let said = at_once(&cluster, &[("bo", word("succeeded")), ("cy", skip), ("di", word("succeeded"))]);
        let mut codes: Vec<_> = said.iter().map(|one| one.code).collect();
        codes.sort_unstable();
        assert_eq!(codes, [0, 7, 7], "{said:?}");
        let shown = cluster.until_run(&run, "succeeded");
        let skipped = said[1].code == 0;
        assert_eq!(shown["steps"][0]["status"], if skipped { "skipped" } else { "succeeded" }, "{said:?}");
    }
    let run = text(&cluster.run_to_end(&plan, 6), "run").to_owned();
    let word = ["run", "skip", &run, "a", "--reason", "no need", "--request-id", "once"];
    let said = at_once(&cluster, &[("bo", word.to_vec()), ("bo", word.to_vec()), ("bo", word.to_vec())]);
    assert!(said.iter().all(|one| one.code == 0), "{said:?}");
    let decided = cluster.kinds(&run).iter().filter(|kind| *kind == "step_decided").count();
    assert_eq!(decided, 1, "{:?}", cluster.kinds(&run));
}
