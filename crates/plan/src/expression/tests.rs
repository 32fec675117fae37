use std::collections::BTreeMap;

use super::*;
use crate::plan::ParamKind;

fn facts() -> Facts {
    let text = |text: &str| text.to_owned();
    let outputs = BTreeMap::from([(text("seconds"), text("12"))]);
    Facts {
        params: BTreeMap::from([
            (text("to"), (ParamKind::Region, text("west"))),
            (text("count"), (ParamKind::Integer, text("3"))),
            (text("deep"), (ParamKind::Boolean, text("true"))),
        ]),
        run: BTreeMap::from([(text("mode"), text("graceful")), (text("drill"), text("false"))]),
        steps: BTreeMap::from([(text("lag-check"), StepFacts { status: text("succeeded"), outputs })]),
        objectives: BTreeMap::from([(text("rpo"), 12_500)]),
        answer: None,
    }
}

fn answer(source: &str) -> Result<bool, String> {
    Expression::parse(source).unwrap_or_else(|error| panic!("{source}: {error}")).evaluate(&facts())
}

#[test]
fn conditions_read_params_run_and_steps_with_their_types() {
    for (source, expected) in [
        ("params.to == 'west' && params.count + 1 == 4 && params.deep", true),
        ("run.drill", false),
        ("run.mode == 'graceful' ? !run.drill : false", true),
        (r#"int(steps["lag-check"].outputs.seconds) <= 30"#, true),
        (r#"double(steps["lag-check"].outputs.seconds) > 30.5"#, false),
        (r#"steps["lag-check"].status == "succeeded""#, true),
        (r#"double(steps["lag-check"].outputs.seconds) <= objectives.rpo && objectives.rpo == 12.5"#, true),
        (r#"has(steps["lag-check"].outputs.other)"#, false),
        (r#""seconds" in steps["lag-check"].outputs"#, true),
        ("['west', 'east'].exists(region, region == params.to)", true),
        ("params.to.startsWith('w') && size(params.to) == 4", true),
    ] {
        assert_eq!(answer(source), Ok(expected), "{source}");
    }
}

#[test]
fn success_reads_what_the_action_answered() {
    let text = |text: &str| text.to_owned();
    let outputs = BTreeMap::from([(text("timeline"), text("7"))]);
    let answer = AnswerFacts { exit_code: 3, stdout: text("server promoting\n"), outputs };
    let facts = Facts { answer: Some(answer), ..facts() };
    for (source, expected) in [
        ("exit_code == 0 || exit_code == 3", true),
        ("stdout.contains('promoted')", false),
        ("int(outputs.timeline) > 6 && 'timeline' in outputs && size(outputs) == 1", true),
        (
            r#"outputs["timeline"] == "7" && params.to == 'west' && steps["lag-check"].outputs.seconds == '12'"#,
            true,
        ),
    ] {
        let (success, _) = Expression::read(source, About::Answer).unwrap();
        assert_eq!(success.evaluate(&facts), Ok(expected), "{source}");
    }
    let (success, mentions) = Expression::read("outputs.other == ''", About::Answer).unwrap();
    assert!(success.evaluate(&facts).unwrap_err().contains("there is no `other`"));
    assert_eq!(mentions, Mentions::default());
    assert_eq!(success.references(), Mentions::default());
}

#[test]
fn a_list_is_a_list_in_a_condition() {
    let list = ("shards".to_owned(), (ParamKind::List, "a,b, c".to_owned()));
    let facts = Facts { params: [list].into(), ..Facts::default() };
    for source in ["size(params.shards) == 3", "'c' in params.shards", "params.shards.all(s, size(s) == 1)"] {
        assert_eq!(Expression::parse(source).unwrap().evaluate(&facts), Ok(true), "{source}");
    }
}

#[test]
fn what_has_no_answer_says_why() {
    insta::assert_snapshot!(
        [
            "1 + 1",
            r#"steps["lag-check"].outputs.other == "1""#,
            r#"steps["lag-check"].outputs.seconds > 30"#,
            "params.count / 0 == 1"
        ]
        .map(|source| answer(source).unwrap_err())
        .join("\n")
    );
}

#[test]
fn what_is_wrong_is_said_when_it_is_read() {
    let wrong = [
        "",
        "params.to ==",
        "a b",
        "params.to == west",
        "steps.lag-check.outputs.seconds == '1'",
        "params",
        "steps.all(s, true)",
        "run.age > 1",
        "steps.a.seconds == '1'",
        "lower(params.to) == 'x'",
        "params.to.matches('(a+)+')",
        "Foo{a: 1} == 1",
        "[1].all(a, [1].all(b, true))",
        "'a",
        "exit_code == 0",
    ];
    let messages = wrong.map(|source| format!("{source}\n  {}", Expression::parse(source).unwrap_err()));
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn it_says_what_it_asks_about() {
    let asked = Expression::parse(
        r#"params.to == run.id || steps["a-b"].status == 'x' || [1].all(params, params.x == 1)"#,
    )
    .unwrap();
    assert_eq!(
        asked.references(),
        Mentions {
            params: ["to".to_owned()].into(),
            steps: ["a-b".to_owned()].into(),
            ..Mentions::default()
        }
    );
    let outputs = Expression::parse(r#"steps.a.outputs.k == '' || has(steps["b"].outputs.k)"#).unwrap();
    assert_eq!(outputs.references().outputs, ["a".to_owned(), "b".to_owned()].into());
}

/// Tests run with 2 MiB of stack, as the leader's own threads do.
#[test]
fn hostile_conditions_are_refused_and_the_largest_ones_fit_the_stack() {
    let refused = [
        vec!["1"; 3000].join("+"),
        "(".repeat(2000),
        format!("{}1{} == 1", "(".repeat(100), ")".repeat(100)),
        "!".repeat(4000) + "true",
        "-".repeat(4000) + "1",
        "a".to_owned() + &".b".repeat(1500),
        "[".repeat(300),
        "{1:".repeat(300),
        "true ? ".repeat(500),
        "1 in ".repeat(500) + "[1]",
        "x".repeat(5000),
        "\"".repeat(3000),
        "\\".repeat(3000),
        "'".repeat(4001),
    ];
    for source in refused {
        assert!(Expression::parse(&source).is_err(), "{}", &source[..20]);
    }
    let fits = [
        format!("{} == 200", vec!["1"; 200].join("+")),
        format!("{}1{} == 1", "(".repeat(24), ")".repeat(24)),
        vec!["true"; 120].join(" && "),
        vec!["false"; 120].join("||") + " || true",
        "!".repeat(240) + "true",
        "false ? false : ".repeat(80) + "true",
        format!("{}1{} == [1] || true", "[".repeat(20), "]".repeat(20)),
    ];
    for source in fits {
        let read = Expression::parse(&source).map(|expression| expression.evaluate(&Facts::default()));
        assert_eq!(read, Ok(Ok(true)), "{}", &source[..20]);
    }
}
